"""What the catalog offers to others."""

from . import stock
from .items import Item, featured
