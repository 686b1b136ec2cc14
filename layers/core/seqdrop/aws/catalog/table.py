"""One DynamoDB table: keyed reads, one-partition queries, conditional writes, transactions."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, SupportsBytes, TypeVar, cast

import msgspec
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from seqdrop.aws.pause import pause
from seqdrop.domain.errors import Conflict, Transient
from seqdrop.domain.first_use import worked_out

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T", bound=msgspec.Struct)
Item = dict[str, Any]
Write = dict[str, Any]
Key = tuple[str, str]
Condition = tuple[str, str, Any]
"""(attribute, operator, value); operators are the keys of _OPERATORS."""

_OPERATORS = {
    "=": "{name} = {value}",
    "<": "{name} < {value}",
    ">": "{name} > {value}",
    ">=": "{name} >= {value}",
    "absent": "attribute_not_exists({name})",
    "present": "attribute_exists({name})",
    "absent or =": "(attribute_not_exists({name}) OR {name} = {value})",
    "absent or <": "(attribute_not_exists({name}) OR {name} < {value})",
    "absent or <=": "(attribute_not_exists({name}) OR {name} <= {value})",
    "in": "{name} IN ({value})",
}
_CONFLICT_TRIES = 6
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.6
_EMPTY: tuple[Any, ...] = (None, "", b"", (), {}, frozenset())
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(value: msgspec.Struct) -> Item:
    """A record's attributes; what is empty is left out, so that conditions can ask for it."""
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return {name: _builtin(field) for name, field in fields if field not in _EMPTY}


def _builtin(field: Any) -> Any:
    if isinstance(field, frozenset):
        return set(field)
    return msgspec.to_builtins(field, builtin_types=(bytes,), str_keys=True)


def from_item(item: Mapping[str, Any], kind: type[T]) -> T:
    """The record of an item; attributes that it does not know are left out."""
    return msgspec.convert(item, worked_out(kind), strict=False)


def wire(value: Any) -> Any:
    """A value as DynamoDB's client takes it."""
    return _serialize(_decimal(value))


def _decimal(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {k: _decimal(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_decimal(v) for v in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return bytes(cast("SupportsBytes", value))
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


class _Expression:
    """Collects the names and values that an expression's placeholders stand for."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def path(self, dotted: str | tuple[str, ...]) -> str:
        parts = (dotted,) if isinstance(dotted, str) else dotted
        placeholders = []
        for part in parts:
            placeholder = f"#n{len(self.names)}"
            self.names[placeholder] = part
            placeholders.append(placeholder)
        return ".".join(placeholders)

    def value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = wire(value)
        return placeholder

    def conditions(self, conditions: Sequence[Condition]) -> str:
        terms = []
        for name, operator, value in conditions:
            template = _OPERATORS[operator]
            values = sorted(value) if operator == "in" else [value]
            shown = ", ".join(map(self.value, values)) if "{value}" in template else ""
            terms.append(template.format(name=self.path(name), value=shown))
        return " AND ".join(terms)

    def into(self, request: Write) -> Write:
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        return request


class Table:
    """The catalog's table. Conditional writes raise Conflict where their condition fails."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Key) -> Item | None:
        """One item, as the last write left it."""
        answer = self._client.get_item(TableName=self.name, Key=_key(key), ConsistentRead=True)
        return _item(answer["Item"]) if "Item" in answer else None

    def query(
        self, pk: str, prefix: str = "", *, page: int | None = None,
        where: tuple[str, str] | None = None,
    ) -> Iterator[Item]:  # fmt: skip
        """All items of one partition whose sort key begins with a prefix, in order.

        ``page`` is for who may need but the first few: so many are asked for at once. ``where`` is
        an attribute and the value that it must have: others are read, and not sent.
        """
        expression = _Expression()
        text = f"{expression.path('pk')} = {expression.value(pk)}"
        if prefix:
            text += f" AND begins_with({expression.path('sk')}, {expression.value(prefix)})"
        asked: Write = {"KeyConditionExpression": text, "ConsistentRead": True}
        if where:
            name, value = expression.path(where[0]), expression.value(where[1])
            asked["FilterExpression"] = f"{name} = {value}"
        request = expression.into(asked)
        if page:
            request["Limit"] = page
        return self._pages(request)

    def query_index(
        self, index: str, value: str, limit: int, *, newest_first: bool = True
    ) -> list[Item]:
        """Up to ``limit`` items of one partition of an index; its keys are ``<index>_pk|_sk``."""
        expression = _Expression()
        text = f"{expression.path(f'{index}_pk')} = {expression.value(value)}"
        request = expression.into({"KeyConditionExpression": text, "IndexName": index})
        answer = self._client.query(
            TableName=self.name, Limit=limit, ScanIndexForward=not newest_first, **request
        )
        return [_item(item) for item in answer["Items"]]

    def index_pages(self, index: str, value: str, until: str, size: int) -> Iterator[list[Item]]:
        """The items of one partition of an index up to a sort key, in pages of ``size``."""
        expression = _Expression()
        partition = f"{expression.path(f'{index}_pk')} = {expression.value(value)}"
        text = f"{partition} AND {expression.path(f'{index}_sk')} <= {expression.value(until)}"
        request = expression.into({"KeyConditionExpression": text, "IndexName": index})
        while True:
            answer = self._client.query(TableName=self.name, Limit=size, **request)
            if answer["Items"]:
                yield [_item(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return
            request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def get_all(self, keys: Sequence[Key], only: Sequence[str] = ()) -> list[Item]:
        """The items of up to a hundred keys that are there, in no order, as last written.

        ``only`` names the attributes that are wanted, the keys beside them.
        """
        found: list[Item] = []
        wanted: Any = [_key(key) for key in keys]
        expression = _Expression()
        names = ", ".join(map(expression.path, ["pk", "sk", *only])) if only else ""
        shown = expression.into({"ProjectionExpression": names}) if names else {}
        for attempt in range(_CONFLICT_TRIES):
            asked: Any = {self.name: {"Keys": wanted, "ConsistentRead": True, **shown}}
            answer = self._client.batch_get_item(RequestItems=asked)
            found += map(_item, answer["Responses"].get(self.name, ()))
            left = answer.get("UnprocessedKeys", {})
            if self.name not in left:
                return found
            wanted = left[self.name]["Keys"]  # more than 16 MB, or too many at once
            pause(attempt, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        raise Transient("the catalog does not give all that was asked for")

    def _pages(self, request: Write) -> Iterator[Item]:
        while True:
            answer = self._client.query(TableName=self.name, **request)
            yield from (_item(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def put(self, item: Item, *conditions: Condition) -> None:
        """Writes one item whole."""
        request = self.put_write(item, *conditions)["Put"]
        _translated(lambda: self._client.put_item(**request))

    def update(self, key: Key, **changes: Any) -> Item:
        """Changes one item (see update_write) and returns it as it is then."""
        request = self.update_write(key, **changes)["Update"]
        answer = _translated(lambda: self._client.update_item(**request, ReturnValues="ALL_NEW"))
        return _item(answer["Attributes"])

    def delete(self, key: Key) -> None:
        """Removes one item, if it is there."""
        request = self.delete_write(key)["Delete"]
        _translated(lambda: self._client.delete_item(**request))

    def put_write(self, item: Item, *conditions: Condition) -> Write:
        """A put, for a transaction; attributes that are None are left out."""
        expression = _Expression()
        there = {name: wire(value) for name, value in item.items() if value is not None}
        request = {"TableName": self.name, "Item": there}
        if conditions:
            request["ConditionExpression"] = expression.conditions(conditions)
        return {"Put": expression.into(request)}

    def update_write(
        self,
        key: Key,
        *,
        sets: Mapping[Any, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        adds: Mapping[str, Any] | None = None,
        removes: Sequence[Any] = (),
        conditions: Sequence[Condition] = (),
    ) -> Write:
        """An update, for a transaction.

        ``sets`` and ``removes`` take a name, or a tuple as a path into a map; what is set to None
        is removed; ``defaults`` are set only where the attribute is absent; ``adds`` add to
        numbers and sets.
        """
        e = _Expression()
        asked = (sets or {}).items()
        assignments = [f"{e.path(n)} = {e.value(v)}" for n, v in asked if v is not None]
        removes = [*removes, *(name for name, value in asked if value is None)]
        for name, value in (defaults or {}).items():
            path = e.path(name)
            assignments.append(f"{path} = if_not_exists({path}, {e.value(value)})")
        clauses = {
            "SET": assignments,
            "ADD": [f"{e.path(n)} {e.value(v)}" for n, v in (adds or {}).items()],
            "REMOVE": [e.path(name) for name in removes],
        }
        text = " ".join(f"{verb} {', '.join(terms)}" for verb, terms in clauses.items() if terms)
        request: Write = {"TableName": self.name, "Key": _key(key), "UpdateExpression": text}
        if conditions:
            request["ConditionExpression"] = e.conditions(conditions)
        return {"Update": e.into(request)}

    def delete_write(self, key: Key, *conditions: Condition) -> Write:
        """A delete, for a transaction."""
        expression = _Expression()
        request: Write = {"TableName": self.name, "Key": _key(key)}
        if conditions:
            request["ConditionExpression"] = expression.conditions(conditions)
        return {"Delete": expression.into(request)}

    def check_write(self, key: Key, *conditions: Condition) -> Write:
        """A condition on an item that stays as it is, for a transaction."""
        expression = _Expression()
        request: Write = {"TableName": self.name, "Key": _key(key)}
        request["ConditionExpression"] = expression.conditions(conditions)
        return {"ConditionCheck": expression.into(request)}

    def transact(self, writes: Sequence[Write]) -> None:
        """All writes or none, and once: botocore sends a request again with the token that it had.

        Raises Conflict where a condition fails, and Transient where other transactions on the
        same items did not let it through after several tries.
        """
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._client.transact_write_items(TransactItems=[*cast("Any", writes)])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                reasons = error.response.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons}
                if "ConditionalCheckFailed" in codes:
                    raise Conflict("the catalog changed meanwhile") from error
                if "TransactionConflict" not in codes:
                    raise
                pause(attempt, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            else:
                return
        raise Transient("too many writers on the same items of the catalog")


def _translated(call: Any) -> Any:
    """What one request answers; it is made again while a transaction goes on over its item."""
    for attempt in range(_CONFLICT_TRIES):
        try:
            return call()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                raise Conflict("the catalog changed meanwhile") from error
            if code != "TransactionConflictException":
                raise
            pause(attempt, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    raise Transient("too many writers on the same items of the catalog")


def _key(key: Key) -> Item:
    return {"pk": wire(key[0]), "sk": wire(key[1])}


def _item(attributes: Mapping[str, Any]) -> Item:
    return {name: _plain(_deserialize(value)) for name, value in attributes.items()}
