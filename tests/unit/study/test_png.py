import io

import numpy as np
import pytest
from PIL import Image

from overread.study.png import encode_png


@pytest.mark.parametrize("is_mask", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2"])
def test_other_readers_get_back_the_pixels(dtype, is_mask):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (7, 5)).astype(dtype)
    image = Image.open(io.BytesIO(encode_png(pixels, is_mask=is_mask)))
    assert image.mode == ("L" if dtype == np.uint8 else "I;16")
    assert np.array_equal(np.asarray(image), pixels)


def test_a_photograph_is_smaller_with_the_filter_for_images():
    rows, columns = np.mgrid[:200, :200]
    photograph = (120 + 60 * np.sin(rows / 40) * np.cos(columns / 30)).astype(np.uint8)
    assert len(encode_png(photograph)) < len(encode_png(photograph, is_mask=True))


def test_a_slice_of_a_larger_array_is_encoded_alone():
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)[::2, 1::3]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)
