"""A shop that uses its own package in many ways."""

import catalog
import catalog.prices as pricing
from catalog import Item, featured
from catalog.prices import DISCOUNT as reduction
from helpers import *

item = Item("pen", 2.5)
price = pricing.reduced(item.price)
best = featured()
share = reduction
text = format_price(price)
unit = CURRENCY
module_item = catalog.Item("ink", 4.0)
name = module_item.name
deep = catalog.prices.reduced(8.0)
label = catalog.stock.label(3)
