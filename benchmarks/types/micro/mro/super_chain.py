"""Each class adds to what its parent has made."""


class Report:
    def __init__(self, title):
        self.title = title

    def header(self):
        return self.title

    def rows(self):
        return [1]


class Sales(Report):
    def __init__(self, title, year):
        super().__init__(title)
        self.year = year

    def header(self):
        text = super().header()
        return f"{text} {self.year}"


class Quarter(Sales):
    def __init__(self, year, quarter):
        super().__init__("Sales", year)
        self.quarter = quarter

    def rows(self):
        return super().rows() + [self.year]


quarter = Quarter(2020, "Q1")
header = quarter.header()
rows = quarter.rows()
title = quarter.title
year = quarter.year
