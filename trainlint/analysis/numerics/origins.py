"""What a value was made from, as far as that makes it a hazard under a root or in a denominator."""

from __future__ import annotations

SQUARE = "square"
SQUARES = "sum-of-squares"
VARIANCE = "variance"
ONE_MINUS_SQUARE = "one-minus-square"
MAGNITUDE = "magnitude"
CLAMPED_AT_ZERO = "clamped-at-zero"
RECTIFIED = "rectified"

STD = "std"
RANGE = "max-min"
NORM = "norm"
DISTANCE = "distance"
HAND_NORM = "hand-made-norm"
HAND_STD = "hand-made-std"
ABSOLUTE_SUM = "sum-of-magnitudes"

MAXIMUM = "maximum"
MINIMUM = "minimum"
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
EDGE_COUNT = "edge-count"

SOFTMAX = "softmax"
SIGMOID = "sigmoid"
HAND_SOFTMAX = "hand-made-softmax"
COMPLEMENT = "one-minus-probability"
NEGATED = "negated-probability"
CHOSEN_PROBABILITY = "chosen-probability"

EXPONENTIAL = "exponential"
EXPONENTIALS = "sum-of-exponentials"
ONE_PLUS_EXPONENTIAL = "one-plus-exponential"
SCALED_COSINE = "scaled-cosine"
SHIFTED = "shifted"
ABSORBED = "absorbed-eps"
NETWORK_OUTPUT = "network-output"
RATIO = "ratio"
TRACE = "trace"
CLAMPED_TO_ONE = "clamped-to-one"

LEARNED = "learned"
DRAWN = "drawn"
DISPARITY = "disparity"
ONES = "ones"
DOT = "dot"
VARIANCE_AND_MEAN = "variance-and-mean"
MEAN_AND_VARIANCE = "mean-and-variance"
DEVIATION_AND_MEAN = "deviation-and-mean"

MASKS = frozenset({LABEL_MASK, LENGTH_MASK, PLAIN_MASK, PAIR_MASK})
COUNTS = frozenset({LABEL_COUNT, LENGTH_COUNT, PLAIN_COUNT, FILTERED_COUNT, DEGREE, EDGE_COUNT})
COUNT_OF_MASK = {
    LABEL_MASK: LABEL_COUNT,
    LENGTH_MASK: LENGTH_COUNT,
    PLAIN_MASK: PLAIN_COUNT,
    PAIR_MASK: "",
}

ROOT_HAZARDS = frozenset(
    {SQUARE, SQUARES, VARIANCE, ONE_MINUS_SQUARE, MAGNITUDE, CLAMPED_AT_ZERO, HAND_NORM, HAND_STD, DEGREE}
    | {EXPONENTIAL, ABSOLUTE_SUM}
)
"""What gives an infinite or NaN gradient under a root when it is zero."""

DENOMINATOR_HAZARDS = COUNTS | frozenset(
    {SQUARES, VARIANCE, STD, RANGE, NORM, DISTANCE, HAND_NORM, HAND_STD, LEARNED, DISPARITY, ADJACENCY}
    | {ABSOLUTE_SUM}
)
"""What can be zero in a denominator."""

PROBABILITIES = frozenset({SOFTMAX, SIGMOID, HAND_SOFTMAX, COMPLEMENT, CHOSEN_PROBABILITY})
"""What is positive on paper and 0 in floating point: its logarithm is infinite."""

OVERFLOWING = frozenset({EXPONENTIAL, EXPONENTIALS, ONE_PLUS_EXPONENTIAL})
"""What is infinite in floating point for an argument above 88."""

WEAK = frozenset(
    {
        IDENTITY,
        OFF_DIAGONAL,
        ONES,
        BOUNDED,
        SCALED_COSINE,
        SHIFTED,
        MAXIMUM,
        MINIMUM,
        SELECTION,
        LABELS,
        PLAIN_MASK,
    }
    | {NETWORK_OUTPUT, RATIO, TRACE, LEARNED, DRAWN, NEGATED}
)
"""What gives way to a stronger origin where two branches meet."""

SCALES = (
    frozenset({SQUARE, SQUARES, VARIANCE, STD, RANGE, NORM, DISTANCE, HAND_NORM, HAND_STD, MAGNITUDE})
    | {ABSOLUTE_SUM}
    | COUNTS
)
"""What stays the same kind of thing when multiplied by a positive number, viewed, summed or averaged."""
