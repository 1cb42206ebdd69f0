"""The tags that a stack's configuration gives every resource."""

from collections.abc import Sequence

from aurora_lambda.arguments import strings

# Source: AWS general reference, "Tag naming limits and requirements", less those of the stack.
MAX_TAGS = 47
TAGS = strings(
    # Source: IAM user guide, "Rules for tagging in IAM and AWS STS", where keys differ by more than their case.
    r"(?i:(?!aws:|(?:project|stack|name)=)[\w.:/+@ -]{1,128}=[\w.:/=+@ -]{0,256})",
    "a list of KEY=VALUE without project, stack and Name, which the stack sets, and aws:, which is AWS's own."
    " Type: pulumi config set --path 'tags[0]' team=payments",
)


def tag_mistakes(tags: Sequence[str]) -> list[str]:
    """Return what is wrong with tags that are right by themselves."""
    keys = [tag.partition("=")[0].lower() for tag in tags]
    mistakes = [f"tags has {key!r} twice, or in another case: IAM takes one" for key in {*keys} if keys.count(key) > 1]
    if len(keys) > MAX_TAGS:
        mistakes.append(f"tags are {len(keys)}; must be at most {MAX_TAGS}: AWS takes 50, and the stack sets three")
    return sorted(mistakes)
