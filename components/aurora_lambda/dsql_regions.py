"""What holds for the Regions of an Aurora DSQL cluster in two."""

from collections.abc import Mapping


def replica_key(kms_key_arn: str, region: str) -> str:
    """Return the ARN of a multi-Region key's replica: the same but for the Region.

    Source: AWS KMS developer guide, "How multi-Region keys work"

    >>> replica_key("arn:aws:kms:eu-west-1:123456789012:key/mrk-0a1b", "eu-west-2")
    'arn:aws:kms:eu-west-2:123456789012:key/mrk-0a1b'
    """
    arn, partition, service, _, key = kms_key_arn.split(":", 4)
    return ":".join((arn, partition, service, region, key))


def peering_mistakes(regions: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the Regions of a cluster in two, by what each is called; an empty one is not known.

    Source: Aurora DSQL user guide, "Configuring multi-Region clusters".
    """
    known, mistakes = [(name, region) for name, region in regions.items() if region], []
    for number, (name, region) in enumerate(known):
        for earlier, other in known[:number]:
            if region == other:
                mistakes.append(
                    f"{name} is {region!r}, as {earlier} is: a cluster in two Regions needs three different ones"
                )
                break
            if region.partition("-")[0] != other.partition("-")[0]:
                mistakes.append(
                    f"{name} is {region!r}, on another continent than {other!r}: DSQL joins Regions of one alone"
                )
                break
    return mistakes
