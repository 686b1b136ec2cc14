"""A DynamoDB that reads what was asked for and not its whole table: moto's, with a few patches.

`install()` and `uninstall()` switch it on and off, `patched()` does both around a block, and
`bulk_load()` fills a table without HTTP.
"""

from local.dynamodb.load import bulk_load
from local.dynamodb.patches import install, patched, uninstall

__all__ = ["bulk_load", "install", "patched", "uninstall"]
