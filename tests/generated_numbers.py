"""Code as generators write it: long, deep or dynamic, and full of numbers."""

from __future__ import annotations


def function(*lines: str, parameters: str = "x, y, mask, n") -> str:
    """A function with this body."""
    return f"def f({parameters}):\n" + "".join(f"    {line}\n" for line in lines)


def repeated(count: int, *lines: str) -> list[str]:
    """The lines so many times, `#` replaced by how often before."""
    return [line.replace("#", str(time)) for time in range(count) for line in lines]


GENERATED = {
    "mutual": "".join(
        f"def g{i}(x, y):\n"
        f"    return g{(i + 1) % 50}(x / y, x.softmax(-1)) / g{(i + 7) % 50}(y, x.std()) + y.log()\n"
        for i in range(50)
    ),
    "itself": "def f(x, y):\n    return f(f(x / y, y.std()), f(y, x.softmax(-1))).log() / f(x, y)\n",
    "chain_of_calls": "".join(
        f"def g{i}(p, q):\n    return g{i + 1}(p.softmax(-1), q.std()) + torch.log(p) / q\n"
        for i in range(200)
    ),
    "unknown_ranges": function(
        "for i in range(n):",
        "    for j in unknown(i):",
        "        while x.sum() > j:",
        "            x = x / x.sum()",
        "            y = torch.sqrt(y - x)",
        "return x / y",
    ),
    "masked_fills": function(*repeated(800, "x = x.masked_fill(y > #, #.5)"), "return x.sum().sqrt()"),
    "wheres": function(*repeated(800, "x = torch.where(x > #, x / y, x * x)"), "return x.sqrt()"),
    "masked_writes": function(*repeated(800, "x[y > #] = #.5"), "return (x ** 2).sum().sqrt()"),
    "branches": function(*repeated(800, "if x.sum() > #:", "    x = x / (y + #)"), "return x.sqrt()"),
    "asserts": function(
        *repeated(1000, "assert x# > 0", "z# = y / x#"),
        parameters=", ".join(["y", *repeated(1000, "x#")]),
    ),
    "five_thousand_lines": function(
        *repeated(1250, "a# = x * # + y", "b# = (a# ** 2).sum().sqrt()", "c# = a# / b#", "x = x + c#")
    ),
    "dynamic_attributes": """
class A(nn.Module):
    def __init__(self, n):
        super().__init__()
        for i in range(n):
            setattr(self, f"l{i}", nn.Linear(1, 1))

    def forward(self, x):
        for i in range(9):
            x = getattr(self, f"l{i}")(x) / getattr(self, "s")
            self.__dict__["q"] = x
            x = torch.log(self.q) / vars(self)["q"].std()
        return x.sqrt()
""",
    "setters_of_each_other": "class A(nn.Module):\n"
    + "".join(
        f"    def m{i}(self, x):\n"
        "        self.a = torch.softmax(self.b, -1) / self.a\n"
        "        self.b = self.a.log()\n"
        for i in range(200)
    ),
    "great_dict": "D = {"
    + ", ".join(repeated(2000, "'k#': torch.zeros(#)"))
    + "}\ny = 1\n"
    + "".join(repeated(2000, "y = y / D['k#']\n")),
    "chain_of_methods": function("return x" + ".abs().sqrt()" * 150),
    "handed_over_and_over": "def g(p, q):\n    return torch.log(p) / q\n"
    + function(*repeated(1000, "x = g(torch.softmax(x, -1), y.std())"), "return x"),
}
"""By the name of a file."""
