"""Log groups: CloudFormation's ARN of one ends with `:*` (its streams), which moto leaves out."""

from moto.logs.models import LogGroup

_stock_attribute = LogGroup.get_cfn_attribute


def install() -> None:
    """Lets policies name log groups as they do in the cloud."""
    LogGroup.get_cfn_attribute = _attribute


def uninstall() -> None:
    """Gives moto its own function back."""
    LogGroup.get_cfn_attribute = _stock_attribute


def _attribute(group: LogGroup, name: str) -> str:
    value = str(_stock_attribute(group, name))
    return f"{value}:*" if name == "Arn" else value
