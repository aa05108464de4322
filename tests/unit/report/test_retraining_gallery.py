import re

import numpy as np
import pandas as pd
import pytest
from report_builders import build_mask, build_study
from retraining_builders import Scene, build_comparisons, build_judgement, build_network

from overread.errors import InputError
from overread.questions.retrain.page.gallery import RetrainingGallery, collect_gallery
from overread.questions.retrain.records import RetrainingJudgement
from overread.study.rasters import write_mask


class Setting:
    """A study of eight cases, networks with predictions of them all, and their judgement."""

    def __init__(self, root, *networks, dimensions=2):
        self.study = build_study(
            root / "study", ("ann", "ben"), case_count=8, dimensions=dimensions, target="lesion", kind="human"
        )
        self.networks, self.predictions = networks, root / "predictions"
        for network in networks:
            self.predict(network.challenger_masks, 9)
            if network.champion is not None:
                self.predict(network.name_masks(network.champion), 4)
        tables = [build_comparisons(network) for network in networks]
        self.comparisons = pd.concat(tables, ignore_index=True)
        self.judgement = RetrainingJudgement(
            networks=tuple(
                build_judgement(network, table, counted=self.study.case_ids[1:])
                for network, table in zip(networks, tables, strict=True)
            )
        )

    def predict(self, name, size):
        for case_id in self.study.case_ids:
            mask = build_mask(self.study.settings.dimensions, size=size)
            write_mask(self.predictions / name / f"{case_id}{self.study.suffix}", mask, self.study.read_affine(case_id))

    def collect(self):
        return collect_gallery(self.study, self.judgement, self.predictions, self.comparisons)


FIRST = build_network("ann+ben", state="new", champion=None)


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(tmp_path_factory.mktemp("flat"), build_network("ann"), FIRST)


@pytest.fixture(scope="module")
def gallery(setting):
    return setting.collect()


def test_three_cases_per_network_are_shown_largest_loss_or_lowest_dice_first(gallery):
    assert [picture.case_id for picture in gallery.select("ann")] == ["c00", "c01", "c02"]
    assert [picture.case_id for picture in gallery.select("ann+ben")] == ["c00", "c01", "c02"]
    assert len(gallery.pictures) == 6


def test_captions_tell_dice_and_whether_the_case_counts(gallery):
    first, second, _ = gallery.select("ann")
    caption = "Dice of the challenger 0.780, of version\u00a03 0.820, difference −0.040"
    assert first.caption == f"{caption}; does not count"
    assert second.caption.endswith("difference −0.029")
    assert gallery.select("ann+ben")[1].caption == "Dice of the challenger 0.786"


def test_outlines_are_those_of_reference_champion_and_challenger(gallery):
    # Squares of 6 pixels (the source), 4 (the champion) and 9 (the challenger) on a side.
    alt = "Pixels outlined in this view: the reference 36, the champion 16, the challenger 81."
    assert gallery.select("ann")[0].alt == f"Case c00, network of ann. {alt}"
    assert "champion" not in gallery.select("ann+ben")[0].alt
    colours = [set(re.findall(r"stroke: (#\w{6})", picture.svg)) for picture in gallery.pictures[::3]]
    assert ["#e69f00" in found for found in colours] == [True, False]
    assert all("#56b4e9" in found for found in colours)


def test_a_gallery_is_the_same_after_writing_and_reading(gallery, tmp_path):
    gallery.write(tmp_path / "new" / "gallery.json")
    assert RetrainingGallery.read(tmp_path / "new" / "gallery.json") == gallery


def test_equal_inputs_give_equal_pictures(setting, gallery):
    assert setting.collect() == gallery


def test_volumes_are_shown_as_slices(tmp_path):
    picture = Setting(tmp_path, build_network("ann"), dimensions=3).collect().pictures[0]
    assert picture.place == "Channel t1, slice 1 of 3"


def test_empty_masks_are_drawn_as_no_outline(tmp_path):
    setting = Setting(tmp_path, build_network("ann"))
    name = setting.networks[0].challenger_masks
    write_mask(setting.predictions / name / f"c00{setting.study.suffix}", np.zeros((24, 20), np.bool_), None)
    assert "the champion 16, the challenger 0." in setting.collect().pictures[0].alt


def test_a_missing_prediction_is_an_error_that_names_it(tmp_path):
    setting = Setting(tmp_path, build_network("ann"))
    (setting.predictions / setting.networks[0].name_masks(3) / f"c00{setting.study.suffix}").unlink()
    with pytest.raises(InputError, match="c00"):
        setting.collect()


def test_the_page_shows_the_pictures_below_the_cases_of_their_network(gallery, tmp_path):
    scene = Scene().judge("ann").judge("ann+ben", champion=None, decision={"version": 1})
    plain, page = scene.read(tmp_path), scene.read(tmp_path, gallery=gallery)
    images = [image["alt"] for image in page.find_all("img")]
    assert len(images) == len(plain.find_all("img")) + 6
    shown = [alt.split(".")[0] for alt in images if alt.startswith("Case ")]
    assert shown == [f"Case c0{place}, network of {labels}" for labels in ("ann", "ann+ben") for place in range(3)]
    assert "Not hand-picked: the first cases of the figure above." in page.text
    assert "Channel t1." in page.text
    assert "in pictures" not in plain.text
    assert page.mismatches == []
