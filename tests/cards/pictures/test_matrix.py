"""A matrix of scores: a row for each token, the last one highlighted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS
from bot.cards.pictures.matrix import Matrix, MatrixRow, draw_matrix
from tests.support.drawing import drawn_by

BLUE, YELLOW = LIGHT_COLOURS[:2]
VOCABULARY = 50_257

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
rows = st.builds(MatrixRow, texts, texts, st.lists(st.integers(0, VOCABULARY - 1), max_size=5).map(tuple))


def lit(*columns: int, width: int = VOCABULARY) -> list[float]:
    """Where the cells of the highest scores begin, from left to right."""
    matrix = Matrix((MatrixRow("a", "highest", columns),), 1, width)
    cells = [box for box, colour in drawn_by(lambda: draw_matrix(matrix)).filled if colour == YELLOW][1:]
    return [left for left, *_ in cells]


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=5), st.integers(0, 1000))
def test_any_matrix_can_be_drawn(some: list[MatrixRow], more: int) -> None:
    matrix = Matrix(tuple(some), len(some) + more, VOCABULARY)
    drawn = drawn_by(lambda: draw_matrix(matrix))

    assert min(drawn.sizes) >= LEAST
    assert len(drawn.outlined) == 1


def test_its_size_is_counted() -> None:
    row = MatrixRow("a", "highest", ())

    assert Matrix((row,), 1, 10).size == "1 row × 10 = 10 scores"
    assert Matrix((row,) * 2, 1_023, 50_257).size == "1,023 rows × 50,257 = 51,412,911 scores"


def test_only_the_last_row_is_yellow() -> None:
    some = tuple(MatrixRow(name, f"highest: {name}", (place,)) for place, name in enumerate("abc"))
    filled = drawn_by(lambda: draw_matrix(Matrix(some, 3, VOCABULARY))).filled
    heights = {colour: {box[1] for box, found in filled if found == colour} for colour in (BLUE, YELLOW)}

    assert len(heights[BLUE]) == 2
    (last,) = heights[YELLOW]
    assert last > max(heights[BLUE])


def test_a_higher_id_lights_a_cell_further_to_the_right() -> None:
    first, common, rare, last = (lit(column)[0] for column in (0, 373, 18_731, VOCABULARY - 1))

    assert first < common < rare < last


def test_every_row_has_as_many_cells_and_one_that_is_highest() -> None:
    assert len(lit(262, 257, 530)) == 1
    assert lit() == []
    assert len(lit(0, width=1)) == 1
