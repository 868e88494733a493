"""Drawing on an array: fonts, rectangles and what lies outside."""

import numpy as np

from odc_gym.rendering.canvas import GLYPH_HEIGHT, GLYPH_WIDTH, Canvas, glyphs, text_mask, text_width

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def test_every_character_that_the_pictures_use_has_its_own_picture():
    """Catches a glyph that is drawn twice, has another size, or is missing."""
    font = glyphs()
    assert set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.:/%,()_= ") <= set(font)
    assert all(picture.shape == (GLYPH_HEIGHT, GLYPH_WIDTH) for picture in font.values())
    assert len({picture.tobytes() for picture in font.values()}) == len(font)


def test_text_is_drawn_where_it_is_asked_for_and_unknown_characters_are_question_marks():
    canvas = Canvas(60, 20, WHITE)
    canvas.text_to(50, 3, "Hé", BLACK, 2)
    dark = (canvas.pixels == 0).all(2)
    rows, columns = np.nonzero(dark)
    assert rows.min() == 3 and rows.max() == 3 + 2 * GLYPH_HEIGHT - 1 and columns.min() == 50 - text_width("HE", 2)
    assert np.array_equal(text_mask("hé", 1), text_mask("H?", 1))


def test_what_lies_outside_is_cut_off():
    """Catches negative indices, which draw at the other end of the picture."""
    canvas = Canvas(20, 10, WHITE)
    canvas.rectangle(-5, -5, 8, 8, BLACK)
    canvas.rectangle(18, 8, 10, 10, BLACK)
    canvas.rectangle(3, -9, 2, 4, BLACK)
    assert (canvas.pixels == 0).all(2).sum() == 3 * 3 + 2 * 2
    for x, y in ((-100, 2), (-7, -3), (15, 6), (100, 100), (2, -50)):
        canvas.text(x, y, "TEXT", BLACK)
    assert canvas.pixels.shape == (10, 20, 3)
