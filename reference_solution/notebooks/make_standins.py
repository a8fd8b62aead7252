"""Makes stand-ins for the data of the two tutorials: invented people, in the very columns of the real files.

    python make_standins.py census FOLDER      adult.data and adult.test, as in UCI's "Adult" data set
    python make_standins.py bank FOLDER        bank_clean.csv, as in AWS's tutorial (from UCI's "Bank Marketing")

GENERATED, NOT REAL: nobody in these files exists, and nothing about real people can be learnt from them. They are here
so that the notebooks run in seconds, anywhere, without a download. The same bytes come out each time.

The real files: https://archive.ics.uci.edu/dataset/2/adult and https://archive.ics.uci.edu/dataset/222/bank+marketing
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

SEED = 20210420
_EDUCATION = (
    "Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad", "Some-college", "Assoc-voc",
    "Assoc-acdm", "Bachelors", "Masters", "Prof-school", "Doctorate",
)  # fmt: skip
_EDUCATED = (1, 2, 4, 7, 6, 11, 15, 5, 130, 90, 17, 13, 66, 21, 7, 5)
_WORK = {
    "Private": 70,
    "Self-emp-not-inc": 8,
    "Local-gov": 6,
    "?": 6,
    "State-gov": 4,
    "Self-emp-inc": 3,
    "Federal-gov": 3,
}
_OCCUPATIONS = {
    "Prof-specialty": 13, "Craft-repair": 13, "Exec-managerial": 12, "Adm-clerical": 12, "Sales": 11, "Other-service": 10,
    "Machine-op-inspct": 6, "Transport-moving": 5, "Handlers-cleaners": 4, "Farming-fishing": 3, "Tech-support": 3,
    "Protective-serv": 2, "?": 6,
}  # fmt: skip
_RACES = {"White": 85, "Black": 10, "Asian-Pac-Islander": 3, "Amer-Indian-Eskimo": 1, "Other": 1}
_COUNTRIES = {"United-States": 90, "Mexico": 3, "Philippines": 2, "Germany": 1, "India": 1, "Cuba": 1, "?": 2}

_BANK = {
    "job": ("admin.", "blue-collar", "entrepreneur", "housemaid", "management", "retired", "self-employed", "services",
            "student", "technician", "unemployed", "unknown"),
    "marital": ("divorced", "married", "single", "unknown"),
    "education": ("basic.4y", "basic.6y", "basic.9y", "high.school", "illiterate", "professional.course",
                  "university.degree", "unknown"),
    "default": ("no", "unknown", "yes"),
    "housing": ("no", "unknown", "yes"),
    "loan": ("no", "unknown", "yes"),
    "contact": ("cellular", "telephone"),
    "month": ("apr", "aug", "dec", "jul", "jun", "mar", "may", "nov", "oct", "sep"),
    "day_of_week": ("fri", "mon", "thu", "tue", "wed"),
    "poutcome": ("failure", "nonexistent", "success"),
}  # fmt: skip
_BANK_WEIGHTS = {
    "job": (25, 22, 4, 3, 7, 4, 3, 10, 2, 16, 3, 1),
    "marital": (11, 60, 28, 1),
    "education": (10, 6, 15, 23, 1, 13, 29, 4),
    "default": (79, 20, 1),
    "housing": (45, 3, 52),
    "loan": (82, 3, 15),
    "contact": (63, 37),
    "month": (6, 15, 1, 17, 13, 2, 33, 10, 2, 1),
    "day_of_week": (19, 21, 21, 19, 20),
}


def _one(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _happens(chance: random.Random, score: float) -> bool:
    """Whether something happens whose log odds are ``score``."""
    return chance.random() < 1 / (1 + math.exp(-score))


def _person(chance: random.Random) -> list[str]:
    """One invented person, in the columns of adult.data."""
    age = min(90, 17 + int(chance.gammavariate(2.6, 8.6)))
    education = chance.choices(range(16), _EDUCATED)[0]
    sex = "Male" if chance.random() < 0.67 else "Female"
    married = _happens(chance, (age - 33) / 9 + (0.4 if sex == "Male" else -1.4))
    if married:
        status, role = "Married-civ-spouse", "Husband" if sex == "Male" else "Wife"
    else:
        status = chance.choices(("Never-married", "Divorced", "Widowed"), (60, 28, 5 if age > 50 else 1))[0]
        role = chance.choices(("Not-in-family", "Own-child", "Unmarried"), (50, 40 if age < 28 else 5, 20))[0]
    hours = max(4, min(99, round(chance.gauss(41, 11))))
    gain = chance.choice((2174, 5178, 7298, 15024)) if chance.random() < 0.08 else 0
    loss = chance.choice((1602, 1887, 1902)) if gain == 0 and chance.random() < 0.05 else 0
    occupation = _one(chance, _OCCUPATIONS)
    score = -4.9 + 0.32 * (education - 8) + 0.035 * min(age, 60) + 0.03 * (hours - 40) + 2.2 * married
    score += 0.9 * (occupation in ("Exec-managerial", "Prof-specialty")) + 0.0003 * gain + 0.0004 * loss
    income = ">50K" if _happens(chance, score) else "<=50K"
    return [
        str(age), _one(chance, _WORK), str(chance.randrange(20_000, 400_000)), _EDUCATION[education], str(education + 1),
        status, occupation, role, _one(chance, _RACES), sex, str(gain), str(loss), str(hours), _one(chance, _COUNTRIES),
        income,
    ]  # fmt: skip


def census(folder: Path, *, training: int = 3000, test: int = 1000) -> Path:
    """adult.data and adult.test, with the quirks of the real ones: blanks behind commas, ``?`` for what is not known;
    in adult.test a first line that is no data, and a full stop behind each label.
    """
    chance = random.Random(SEED)  # noqa: S311 - invented people need no cryptography
    folder.mkdir(parents=True, exist_ok=True)
    rows = [", ".join(_person(chance)) for _ in range(training + test)]
    (folder / "adult.data").write_text("\n".join(rows[:training]) + "\n", encoding="utf-8", newline="\n")
    tests = ["|1x3 Cross validator", *(row + "." for row in rows[training:])]
    (folder / "adult.test").write_text("\n".join(tests) + "\n", encoding="utf-8", newline="\n")
    return folder


def _client(chance: random.Random) -> list[str]:
    """One invented client of the bank, in the columns of bank_clean.csv (behind its index)."""
    told = {name: chance.choices(_BANK[name], weights)[0] for name, weights in _BANK_WEIGHTS.items()}
    age = max(18, min(90, round(chance.gauss(40, 10))))
    if told["job"] in ("retired", "student"):
        age = chance.randint(58, 85) if told["job"] == "retired" else chance.randint(18, 27)
    campaign = min(40, 1 + int(chance.expovariate(0.65)))
    previous = chance.choices((0, 1, 2, 3), (86, 10, 3, 1))[0]
    met = previous > 0 and chance.random() < 0.35
    pdays = chance.randint(2, 18) if met else 999
    told["poutcome"] = "nonexistent" if previous == 0 else "success" if met else "failure"
    score = -3.6 + 3.2 * met + 1.2 * (told["contact"] == "cellular") - 0.1 * campaign
    score += 1.1 * (told["month"] in ("mar", "sep", "oct", "dec")) + 0.7 * (
        told["job"] in ("retired", "student")
    )
    says_yes = _happens(chance, score)
    idle = told["job"] in ("student", "retired", "unemployed")
    row = [age, campaign, pdays, previous, int(pdays == 999), int(idle)]
    row += [int(told[name] == value) for name, values in _BANK.items() for value in values]
    return [str(value) for value in [*row, int(not says_yes), int(says_yes)]]


def bank(folder: Path, *, clients: int = 6000) -> Path:
    """bank_clean.csv: an index, 59 features (most of them 0 or 1), ``y_no`` and ``y_yes``."""
    chance = random.Random(SEED)  # noqa: S311
    folder.mkdir(parents=True, exist_ok=True)
    names = ["age", "campaign", "pdays", "previous", "no_previous_contact", "not_working"]
    names += [f"{name}_{value}" for name, values in _BANK.items() for value in values]
    lines = [",".join(["", *names, "y_no", "y_yes"])]
    lines += [",".join([str(number), *_client(chance)]) for number in range(clients)]
    (folder / "bank_clean.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return folder


if __name__ == "__main__":
    makers = {"census": census, "bank": bank}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.exit("Usage: python make_standins.py census|bank FOLDER")
    print(
        f"Generated stand-ins, of people who do not exist, are in {makers[sys.argv[1]](Path(sys.argv[2]))}."
    )
