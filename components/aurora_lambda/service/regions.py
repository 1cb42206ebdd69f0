"""In which regions a stack can be deployed: those whose certificate authorities of RDS the functions know."""

import re
import shlex
import ssl
from functools import cache
from pathlib import Path

from aurora_lambda.aurora_engines import RDS_ENGINES
from aurora_lambda.service.image_context import runtime_folder

RDS_ROOTS = runtime_folder() / "certificates" / "rds.pem"
# Source: Aurora user guide, "Using SSL/TLS to encrypt a connection to a DB cluster".
BUNDLE_URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
GOV_BUNDLE_URL = "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem"


def region_mistakes(region: str, engine: str) -> list[str]:
    """Return what is wrong with deploying to `region`; nothing where it is empty, known to the AWS provider alone.

    RDS's certificate authorities matter where its servers are connected to.
    """
    if region.startswith("cn-"):
        return [
            f"aws:region is {region!r}; AWS in China has domain names and certificate authorities of its own, "
            "which this project does not know. Type: pulumi config set aws:region eu-west-1"
        ]
    if engine in RDS_ENGINES and region and region not in trusted_regions(RDS_ROOTS):
        url = GOV_BUNDLE_URL if region.startswith("us-gov-") else BUNDLE_URL
        return [
            f"aws:region is {region!r}, and this version knows no certificate authority of RDS there. "
            f"Use a later version of aurora-lambda, or type: curl -o {shlex.quote(str(RDS_ROOTS))} {url}"
        ]
    return []


@cache
def trusted_regions(bundle: Path) -> frozenset[str]:
    """Return the regions whose RDS certificate authorities are in a PEM file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    names = [
        value for ca in context.get_ca_certs() for part in ca["subject"] for key, value in part if key == "commonName"
    ]
    matches = (re.match(r"Amazon RDS ([a-z0-9-]+) Root CA", str(name)) for name in names)
    return frozenset(match[1] for match in matches if match)
