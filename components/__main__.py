"""Serves the components to every Pulumi language; the Pulumi engine starts this."""

from pulumi.provider.experimental import component_provider_host

from components import AuroraDatabase, FunctionRole, ImageFunction, LambdaImage, Migration, Network

if __name__ == "__main__":
    component_provider_host(
        name="aurora-lambda",
        components=[Network, AuroraDatabase, LambdaImage, FunctionRole, ImageFunction, Migration],
    )
