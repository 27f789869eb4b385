"""What a value was made from, as far as that makes it a hazard under a root or in a denominator."""

from __future__ import annotations

SQUARE = "square"
SQUARES = "sum-of-squares"
VARIANCE = "variance"
ONE_MINUS_SQUARE = "one-minus-square"
MAGNITUDE = "magnitude"
CLAMPED_AT_ZERO = "clamped-at-zero"

STD = "std"
RANGE = "max-min"
NORM = "norm"
DISTANCE = "distance"
HAND_NORM = "hand-made-norm"
HAND_STD = "hand-made-std"

MAXIMUM = "maximum"
MINIMUM = "minimum"
EXTREMES = "extremes"
BOUNDED = "bounded"

LABELS = "labels"
LABEL_MASK = "label-mask"
LENGTH_MASK = "length-mask"
PLAIN_MASK = "mask"
PAIR_MASK = "pair-mask"
OFF_DIAGONAL = "off-diagonal"
IDENTITY = "identity"
SELECTION = "selection"

LABEL_COUNT = "label-mask-count"
LENGTH_COUNT = "length-mask-count"
PLAIN_COUNT = "mask-count"
FILTERED_COUNT = "filtered-count"
ADJACENCY = "adjacency"
DEGREE = "degree"

LEARNED = "learned"
DISPARITY = "disparity"
ONES = "ones"
DOT = "dot"
SHAPE = "shape"
VARIANCE_AND_MEAN = "variance-and-mean"
DEVIATION_AND_MEAN = "deviation-and-mean"

MASKS = frozenset({LABEL_MASK, LENGTH_MASK, PLAIN_MASK, PAIR_MASK})
COUNTS = frozenset({LABEL_COUNT, LENGTH_COUNT, PLAIN_COUNT, FILTERED_COUNT, DEGREE})
COUNT_OF_MASK = {
    LABEL_MASK: LABEL_COUNT,
    LENGTH_MASK: LENGTH_COUNT,
    PLAIN_MASK: PLAIN_COUNT,
    PAIR_MASK: "",
}

ROOT_HAZARDS = frozenset(
    {SQUARE, SQUARES, VARIANCE, ONE_MINUS_SQUARE, MAGNITUDE, CLAMPED_AT_ZERO, HAND_NORM, HAND_STD, DEGREE}
)
"""What gives an infinite or NaN gradient under a root when it is zero."""

DENOMINATOR_HAZARDS = COUNTS | frozenset(
    {SQUARES, VARIANCE, STD, RANGE, NORM, DISTANCE, HAND_NORM, HAND_STD, LEARNED, DISPARITY, ADJACENCY}
)
"""What can be zero in a denominator."""

WEAK = frozenset({IDENTITY, OFF_DIAGONAL, ONES, BOUNDED, MAXIMUM, MINIMUM, SELECTION, LABELS, PLAIN_MASK})
"""What gives way to a stronger origin where two branches meet."""

SCALES = (
    frozenset({SQUARE, SQUARES, VARIANCE, STD, RANGE, NORM, DISTANCE, HAND_NORM, HAND_STD, MAGNITUDE})
    | COUNTS
)
"""What stays the same kind of thing when multiplied by a positive number, viewed, summed or averaged."""
