import csv
import json
import math
from pathlib import Path

import pytest

from darkroom.evaluate import PROTOCOL, Evaluation, Row, Scored
from darkroom.measure.metrics import METRICS
from darkroom.measure.protocols import find_protocol, in_words
from darkroom.report.scores import (
    evaluation_json,
    in_short,
    picture_line,
    pictures_csv,
    say_notes,
    write_markdown,
    write_scores,
)


def picture(name: str, psnr: float, ssim: float = 0.5) -> Scored:
    scores = dict.fromkeys(METRICS, 1.25) | {"psnr": psnr, "ssim": ssim, "mse": 0.00123456}
    return Scored(name, Path(f"truths/{name}"), seed=4, scores=scores)


PICTURES = (
    picture("a.png", 30.0),
    picture("b.png", 20.0, math.nan),
    picture("c.png", math.inf, 1.0),
    Scored("d\x1b[2J.png", Path("truths/d.png"), problem="E_BLACK: no light"),
)
ROWS = (
    Row("night|model", PICTURES, {"sha256": "abc"}),
    Row("one", (picture("a.png", 31.416),)),
)
EVALUATION = Evaluation(ROWS, PROTOCOL, (Path("results/x.tif"),), ())

Capture = pytest.CaptureFixture[str]


def test_the_table_has_means_intervals_and_the_worst(capsys: Capture) -> None:
    write_scores(EVALUATION)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split("  ")[0] == "method"
    assert lines[1].split()[:4] == ["night|model", "4", "1", "25.00"]
    assert lines[2].startswith("  95 % interval")
    assert "20.00–30.00" in lines[2]
    assert lines[3].split()[:4] == ["one", "1", "0", "31.42"]
    assert lines[4] == PROTOCOL["in_short"]  # one picture has no interval
    assert lines[5] == ""
    worst = lines[lines.index("worst of night|model:") + 1 :][:3]
    assert [line.split()[0] for line in worst] == ["b.png", "a.png", "c.png"]
    assert captured.err == ""


def test_a_table_of_usual_scores_fits_a_terminal(capsys: Capture) -> None:
    scores = {
        "psnr": 31.4,
        "ssim": 0.9123,
        "ms_ssim": 0.9312,
        "mse": 0.00123,
        "cie76": 13.21,
        "ciede2000": 12.1,
    }
    scores |= {"angular": 14.5}
    pictures = [
        Scored(str(n), Path(), scores={k: v * (1 + n / 9) for k, v in scores.items()})
        for n in range(3)
    ]
    write_scores(Evaluation((Row("fast-unet", tuple(pictures)),), PROTOCOL))
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 120


def test_markdown_is_one_table(capsys: Capture) -> None:
    write_markdown(EVALUATION)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("| method | pictures | failed | PSNR dB | SSIM |")
    assert lines[2].startswith("| night\\|model | 4 | 1 | 25.00 [20.00, 30.00] |")
    assert lines[3].startswith("| one | 1 | 0 | 31.42 |")
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(METRICS) + 4}


BY_FOLDER = Evaluation(
    (
        Row(
            "nir-unet",
            (
                picture("water/1", 30.0),
                picture("urban/1", 20.0),
                picture("urban/2", 22.0),
                picture("own", 10.0),
            ),
        ),
        Row("grey", (picture("water/1", 12.0),)),
    ),
    PROTOCOL,
)


def test_each_folder_of_pictures_gets_a_line(capsys: Capture) -> None:
    write_scores(BY_FOLDER, categories=True)
    lines = capsys.readouterr().out.splitlines()
    cells = [line.split()[:4] for line in lines]
    assert cells[1] == ["nir-unet", "4", "0", "20.50"]
    assert cells[4:6] == [["urban", "2", "0", "21.00"], ["water", "1", "0", "30.00"]]
    assert lines[3].startswith("  (no folder)  ")
    assert cells[6] == ["grey", "1", "0", "12.00"]
    assert cells[7] == ["water", "1", "0", "12.00"]
    write_scores(BY_FOLDER)
    assert "urban  " not in capsys.readouterr().out.split("worst of")[0]


def test_markdown_names_folders_with_their_row(capsys: Capture) -> None:
    write_markdown(BY_FOLDER, categories=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "nir-unet",
        "nir-unet: (no folder)",
        "nir-unet: urban",
        "nir-unet: water",
        "grey",
        "grey: water",
    ]


def test_records_know_the_folder_of_a_picture() -> None:
    record = json.loads(evaluation_json(BY_FOLDER))["methods"][0]
    assert [each["category"] for each in record["each"]] == ["water", "urban", "urban", ""]
    assert record["categories"]["urban"]["pictures"] == 2
    assert record["categories"]["urban"]["scores"]["psnr"]["mean"] == 21
    assert set(record["categories"]) == {"", "urban", "water"}
    lines = list(csv.DictReader(pictures_csv(BY_FOLDER).decode().splitlines()))
    assert [line["category"] for line in lines] == ["water", "urban", "urban", "", "water"]


def test_what_the_means_leave_out_is_said(capsys: Capture) -> None:
    say_notes(EVALUATION)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 of 4 failed" in captured.err
    assert "PSNR dB: 1 infinite (equal pictures), not in the mean" in captured.err
    assert "SSIM: 1 missing (too small), not in the mean" in captured.err
    assert "1 results without a partner: x.tif" in captured.err
    assert "truths without" not in captured.err
    say_notes(Evaluation((), PROTOCOL, lone_sources=(Path("pairs/a_nir.png"),)))
    assert "1 near-infrared pictures without a partner: a_nir.png" in capsys.readouterr().err


def test_many_files_without_a_partner_are_not_all_named(capsys: Capture) -> None:
    lone = tuple(Path(f"{n}.png") for n in range(8))
    say_notes(Evaluation((), PROTOCOL, (), lone))
    assert capsys.readouterr().err == (
        "8 truths without a partner: 0.png, 1.png, 2.png, 3.png, 4.png and 3 more\n"
    )


def test_one_line_tells_of_a_picture() -> None:
    assert in_short(PICTURES[0]).startswith(
        "PSNR dB 30.00, SSIM 0.5000, MS-SSIM 1.2500, MSE 0.00123, "
    )
    assert "SSIM -" in in_short(PICTURES[1])
    assert picture_line("m", PICTURES[3]).endswith(".png: E_BLACK: no light")


def test_the_csv_has_a_line_a_picture_with_all_digits() -> None:
    content = pictures_csv(EVALUATION).decode()
    lines = list(csv.DictReader(content.splitlines()))
    assert [line["picture"] for line in lines] == [
        "a.png",
        "b.png",
        "c.png",
        r"d\x1b[2J.png",
        "a.png",
    ]
    assert (lines[0]["mse"], lines[2]["psnr"], lines[1]["ssim"]) == ("0.00123456", "inf", "nan")
    assert (lines[0]["seed"], lines[3]["seed"]) == ("4", "")
    assert (lines[3]["problem"], lines[3]["psnr"]) == ("E_BLACK: no light", "")


def refuse(constant: str) -> None:
    raise ValueError(constant)


def test_the_json_holds_everything_and_only_json() -> None:
    content = evaluation_json(EVALUATION)
    record = json.loads(content, parse_constant=refuse)
    night = record["methods"][0]
    assert (night["sha256"], night["pictures"], night["failed"]) == ("abc", 4, 1)
    assert night["scores"]["psnr"] == {
        "mean": 25.0,
        "low": 20.0,
        "high": 30.0,
        "count": 2,
        "infinite": 1,
        "missing": 0,
    }
    assert night["worst"] == ["b.png", "a.png", "c.png"]
    assert (night["each"][2]["scores"]["psnr"], night["each"][1]["scores"]["ssim"]) == ("inf", None)
    assert night["each"][3]["problem"] == "E_BLACK: no light"
    assert {"ssim", "crop", "bit_depth", "compared"} <= set(record["protocol"])
    assert {"python", "torch", "numpy"} <= set(record["versions"])
    assert record["machine"]["system"]
    assert record["lone_results"] == [str(Path("results/x.tif"))]
    assert evaluation_json(EVALUATION) == content


def test_columns_are_the_scores_of_the_protocol(capsys: Capture) -> None:
    protocol = find_protocol("raw-full")
    scored = Scored("x100/a", Path("a"), scores={"psnr": 40.0, "ssim": 0.9, "mse": 1e-4})
    row = Row("m", (scored,), metrics=tuple(protocol.metrics))
    evaluation = Evaluation((row,), in_words(protocol))
    write_scores(evaluation, categories=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["method", "pictures", "failed", "PSNR", "dB", "SSIM", "MSE"]
    assert lines[2].split() == ["x100", "1", "0", "40.00", "0.9000", "0.0001"]
    assert lines[3] == in_words(protocol)["in_short"]
    write_markdown(evaluation)
    assert "CIE76" not in capsys.readouterr().out
    record = json.loads(evaluation_json(evaluation))
    assert {*record["methods"][0]["scores"]} == {"psnr", "ssim", "mse"}
    assert record["protocol"]["protocol"] == "raw-full"
    (line,) = csv.DictReader(pictures_csv(evaluation).decode().splitlines())
    assert (line["mse"], line["ciede2000"]) == ("0.0001", "")


def test_every_metric_has_a_protocol() -> None:
    assert set(METRICS) <= set(PROTOCOL)
