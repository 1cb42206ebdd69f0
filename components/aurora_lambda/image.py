"""A container image in a repository of its own, built only when something in it changed."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from aurora_lambda import policies
from aurora_lambda.access import policy_of
from aurora_lambda.arguments import ARCHITECTURE, KMS_KEY, Argument, flag, whole_number
from aurora_lambda.build_context import source_digest
from aurora_lambda.component import Component, known_after
from aurora_lambda.naming import Tags
from aurora_lambda.transform import ChildTypes, Transform

PLATFORMS: Mapping[str, str] = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}


class LambdaImageArgs(TypedDict):
    """What to build, for which processor, and what the repository keeps."""

    context: pulumi.Input[str]
    """The build context, relative to the Pulumi program. Its `.dockerignore` says exactly what the build reads."""
    dockerfile: pulumi.Input[str]
    """The Dockerfile, relative to the Pulumi program."""
    target: pulumi.Input[str]
    """The Dockerfile's target."""
    build_args: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """The Dockerfile's arguments. `SOURCE_DIGEST` is added."""
    architecture: NotRequired[pulumi.Input[str]]
    """The processor architecture to build for."""
    keep_images: NotRequired[pulumi.Input[int]]
    """How many images the repository keeps, the newest ones."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the images. Default: a key of ECR's own. A live repository stays as it was made."""
    force_delete: NotRequired[bool]
    """Whether deleting the repository deletes its images, which can be built again. Otherwise the repository is
    protected: Pulumi refuses to delete it until this is true. Plain, since Pulumi has to know it first."""
    tags: NotRequired[Tags]
    """Tags of the repository."""
    transform: NotRequired[Transform]
    """What to set of the component's resources, by resource and property: values or outputs, in place of its own."""


ARGUMENTS: Mapping[str, Argument] = {
    "architecture": ARCHITECTURE,
    # One that runs, one to go back to, one that is being deployed.
    "keep_images": whole_number(3, 1000, "images", 10),
    "kms_key_arn": KMS_KEY,
    "force_delete": flag(default=True),
}
CHILDREN: ChildTypes = {
    "repository": aws.ecr.Repository,
    "lifecyclePolicy": aws.ecr.LifecyclePolicy,
    "repositoryPolicy": aws.ecr.RepositoryPolicy,
    "image": docker.Image,
}


class LambdaImage(Component[LambdaImageArgs]):
    """An image tagged by a digest over everything its build reads, and used by the digest of the result.

    Makes: an ECR repository (`repository` in `transform`), scanned on push, its lifecycle policy (`lifecyclePolicy`),
    its policy for the Lambda service (`repositoryPolicy`), and the image (`image`), which the local Docker engine
    builds and pushes. At rest: 0.10 USD per GB-month.
    """

    image_uri: pulumi.Output[str]
    """The image by digest, `<repository>@sha256:...`; known once the Lambda service may pull it."""
    source_digest: pulumi.Output[str]
    """The image's tag: a digest over everything the build reads."""
    architecture: pulumi.Output[str]
    """The processor architecture that it is built for."""

    def __init__(self, name: str, args: LambdaImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the repository and the image.

        Raises:
            FileNotFoundError: a missing context, `.dockerignore` or Dockerfile.
        """
        super().__init__(name, args, opts, takes=LambdaImageArgs, arguments=ARGUMENTS, children=CHILDREN)
        self.architecture = pulumi.Output.from_input(self._args["architecture"])
        self._platform = self.architecture.apply(PLATFORMS.__getitem__)
        self._build_args = pulumi.Output.all(self._args.get("build_args", {})).apply(lambda known: dict(known[0]))

        repository = self._repository()
        self._lifecycle_policy(repository)
        policy = self._repository_policy(repository)
        self.source_digest = self._source_digest()
        self.image_uri = known_after(self._image(repository).repo_digest, policy.id)
        self._register_outputs()

    def _repository(self) -> aws.ecr.Repository:
        key = self._args.get("kms_key_arn")
        return aws.ecr.Repository(
            self._name,
            # What runs is named by digest. Docker's provider builds again where only file modes differ, as they do
            # between machines, and pushes to the same tag then, as after an interrupted push or a rollback.
            image_tag_mutability="MUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[
                {"encryption_type": "KMS", "kms_key": key} if key else {"encryption_type": "AES256"}
            ],
            force_delete=self._args["force_delete"],
            tags=self._tags(self._name),
            # AWS deletes no repository with images: protected, the preview of a destroy says so.
            # Another encryption is another repository, without the images that versions of the functions run.
            opts=self._child(
                "repository", protect=not self._args["force_delete"], ignore_changes=["encryptionConfigurations"]
            ),
        )

    def _repository_policy(self, repository: aws.ecr.Repository) -> aws.ecr.RepositoryPolicy:
        return aws.ecr.RepositoryPolicy(
            self._name,
            repository=repository.name,
            policy=policy_of(policies.pull_image, repository.arn),
            opts=self._child("repositoryPolicy"),
        )

    def _lifecycle_policy(self, repository: aws.ecr.Repository) -> None:
        aws.ecr.LifecyclePolicy(
            self._name,
            repository=repository.name,
            policy=pulumi.Output.from_input(self._args["keep_images"]).apply(keep_newest),
            opts=self._child("lifecyclePolicy"),
        )

    def _source_digest(self) -> pulumi.Output[str]:
        return pulumi.Output.all(
            context=self._args["context"],
            dockerfile=self._args["dockerfile"],
            build_args=self._build_args,
            settings={"target": self._args["target"], "platform": self._platform},
        ).apply(
            lambda build: source_digest(
                Path(build["context"]), Path(build["dockerfile"]), {**build["build_args"], **build["settings"]}
            ),
        )

    def _image(self, repository: aws.ecr.Repository) -> docker.Image:
        return docker.Image(
            self._name,
            image_name=pulumi.Output.concat(repository.repository_url, ":", self.source_digest),
            build={
                "context": self._args["context"],
                "dockerfile": self._args["dockerfile"],
                "target": self._args["target"],
                "platform": self._platform,
                "args": pulumi.Output.all(self._build_args, self.source_digest).apply(
                    lambda known: {**known[0], "SOURCE_DIGEST": known[1]}
                ),
            },
            registry=self._registry(repository),
            opts=self._child("image"),
        )

    def _registry(self, repository: aws.ecr.Repository) -> docker.RegistryArgs:
        token = aws.ecr.get_authorization_token_output(
            registry_id=repository.registry_id, opts=pulumi.InvokeOutputOptions(parent=self)
        ).authorization_token
        # It is user:password in base64.
        login = pulumi.Output.secret(token).apply(lambda token: base64.b64decode(str(token)).decode().split(":", 1))
        return docker.RegistryArgs(
            server=repository.repository_url.apply(lambda url: url.partition("/")[0]),
            username=login.apply(lambda parts: parts[0]),
            password=login.apply(lambda parts: parts[1]),
        )


def keep_newest(count: int) -> str:
    """Return a lifecycle policy document that expires all but the newest `count` images."""
    rule = {
        "rulePriority": 1,
        "description": f"Keep the newest {count} images",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})
