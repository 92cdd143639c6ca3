"""What a person pastes into a shell does what it says, whatever names somebody gave to what is on the server."""

import shlex

import pytest

from faults import curl

API = "http://127.0.0.1:8474"


def test_plain_names_read_as_a_person_would_type_them():
    assert curl.delete(API, "proxies", "pg", "toxics", "gd-r-f1") == f"curl -X DELETE {API}/proxies/pg/toxics/gd-r-f1"
    opened = curl.post(API, "proxies", "pg", body={"enabled": True})
    assert opened == f"curl -X POST -d '{{\"enabled\":true}}' {API}/proxies/pg"


@pytest.mark.parametrize("name", ["a; rm -rf ~", "$(id)", "`id`", "a'b", "a b", "../../reset", "a\nb", "ü?x=1#y"])
def test_a_hostile_name_stays_one_word_and_one_part_of_the_path(name):
    words = shlex.split(curl.delete(API, "proxies", name))
    assert words[:3] == ["curl", "-X", "DELETE"]
    assert len(words) == 4
    assert words[3].startswith(f"{API}/proxies/")
    assert not set(words[3].removeprefix(f"{API}/proxies/")) & set("/ ;$`'\n?#")


def test_a_hostile_value_stays_inside_its_json():
    words = shlex.split(curl.post(API, "proxies", body={"upstream": "db'; id #:5432"}))
    assert words[3:5] == ["-d", '{"upstream":"db\'; id #:5432"}']
