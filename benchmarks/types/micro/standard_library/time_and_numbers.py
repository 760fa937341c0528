"""Dates, decimals and the rest of arithmetic."""

import math
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

birthday = date(1815, 12, 10)
later = birthday + timedelta(days=30)
gap = later - birthday
days = gap.days
seconds = gap.total_seconds()
moment = datetime(2020, 1, 1, 12)
day = moment.date()
stamp = moment.isoformat()
price = Decimal("9.99") * 2
third = Fraction(1, 3) + 1
root = math.sqrt(2)
down = math.floor(2.7)
dice = random.randint(1, 6)
color = random.choice(["red", "blue"])
