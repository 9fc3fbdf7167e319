"""What prompts ask for in English and in Chinese, and JSON that holds what the prompt says."""

import json
from typing import Any

import pytest

from elastometer_standin.answers.compose import Kind, OtherCalls, compose, kind_of, possible_faults
from elastometer_standin.answers.readings import facts, labels
from elastometer_standin.api import Call, parse_call
from elastometer_standin.cli import CliError, parse
from elastometer_standin.settings import Settings
from elastometer_standin.troubles.faults import Fault

PERSON = {
    "type": "object",
    "required": ["name", "age", "skills"],
    "properties": {
        "name": {"type": "string", "fromPrompt": "姓名[:：]([^,，]+)"},
        "age": {"type": "integer", "fromPrompt": r"年龄[:：](\d+)"},
        "skills": {"type": "array", "items": {"type": "string"}, "fromPrompt": "技能[:：](.+?)[,，]城市"},
    },
}
ASKED = "请根据以下信息生成标准 JSON 格式的数据：姓名:张伟,年龄:32,职业:软件工程师,技能:Python, Java, SQL,城市:杭州"


def settings(*arguments: str) -> Settings:
    return parse(["m", *arguments], {})


def call(text: str, *arguments: str, system: str = "", **more: Any) -> Call:
    messages = [{"role": "system", "content": system}] if system else []
    body = {"messages": [*messages, {"role": "user", "content": text}], "max_tokens": 400, **more}
    return parse_call(body, settings(*arguments), chat=True)


def said(asked: Call, fault: Fault | None = None, words: str = "") -> str:
    label_words = settings(f"--standin-label-words={words}").label_words
    return "".join(compose(asked, fault, OtherCalls(), 40, label_words).pieces)


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Answer with one of: happy, sad.", ["happy", "sad"]),
        ("只能回答以下之一：正面、负面。今天好烦", ["正面", "负面"]),
        ("标签之一:开心，沮丧\n今天好烦", ["开心", "沮丧"]),
        ("你好呀", []),
    ],
)
def test_labels_are_listed_in_either_language(prompt: str, names: list[str]) -> None:
    assert labels(prompt) == names


SYSTEM = "判断情感，只能回答以下之一：正面、负面。"
WORDS = "正面=太棒|开心|喜欢,负面=烦|扫兴|难过"


def test_the_words_of_the_question_decide_on_the_label() -> None:
    assert said(call("今天好烦", system=SYSTEM), words=WORDS) == "负面"
    assert said(call("这个方案太棒了，我喜欢，虽然有点烦", system=SYSTEM), words=WORDS) == "正面"
    assert said(call("会议改期，正面看待", system=SYSTEM), words=WORDS) == "正面", "no word: the label in the prompt"
    assert said(call("今天好烦", system=SYSTEM), Fault.WRONG_LABEL, WORDS) not in ("正面", "负面")


@pytest.mark.parametrize("text", ["正面", "=好", "正面=", "正面=|"])
def test_label_words_need_a_label_and_a_word(text: str) -> None:
    with pytest.raises(CliError, match="each part of --standin-label-words must be"):
        parse([f"--standin-label-words={text}"], {})


@pytest.mark.parametrize(
    ("prompt", "known"),
    [
        ("Remember: the code is seven. What is it?", ("the code is seven.",)),
        ("请记住：代号是青鸟。代号是什么？", ("代号是青鸟。",)),
        ("记住:代号是青鸟。\n好的\n记住：代号改为海燕。\n是什么？", ("代号改为海燕。",)),
        ("Remember: the code is 7. Remember: my name is Ann. Remember: the code is 8.",
         ("the code is 8.", "my name is Ann.")),
        ("I remember the code.", ()),
    ],
)
def test_the_newest_fact_about_a_subject_counts(prompt: str, known: tuple[str, ...]) -> None:
    assert facts(prompt) == known


def test_a_chinese_fact_is_repeated_unless_it_is_forgotten() -> None:
    asked = call("[REQ-a1] 请记住：代号是青鸟。代号是什么？")
    assert said(asked).startswith("[REQ-a1] 代号是青鸟。")
    assert Fault.FORGET in possible_faults(asked, OtherCalls())
    assert "青鸟" not in said(asked, Fault.FORGET)


def test_a_prompt_that_speaks_of_json_gets_what_it_says_in_the_servers_schema() -> None:
    asked = call(ASKED, f"--standin-json-schema={json.dumps(PERSON)}")
    assert kind_of(asked) is Kind.JSON
    text = said(asked)
    assert json.loads(text) == {"name": "张伟", "age": 32, "skills": ["Python", "Java", "SQL"]}
    assert "张伟" in text
    assert json.loads(said(asked, Fault.QUOTED_NUMBER))["age"] == "32"
    assert json.loads(said(asked, Fault.STRING_FOR_ARRAY))["skills"] == "Python, Java, SQL"
    assert "name" not in json.loads(said(asked, Fault.MISSING_FIELD))


def test_json_is_asked_for_by_the_user_or_the_system_and_only_with_the_servers_schema() -> None:
    schema = f"--standin-json-schema={json.dumps(PERSON)}"
    assert kind_of(call("你好", schema, system="只输出 json")) is Kind.JSON
    assert kind_of(call("你好", schema)) is Kind.TEXT
    assert kind_of(call(ASKED)) is Kind.TEXT


def test_a_schema_from_a_client_cannot_search_the_prompt() -> None:
    form = {"type": "json_schema", "json_schema": {"schema": PERSON}}
    assert json.loads(said(call(ASKED, response_format=form)))["age"] == 0


@pytest.mark.parametrize(("schema", "words"), [
    ("{", "must be a JSON schema"), ("[]", "must be an object"), ('{"fromPrompt": "("}', "must be a pattern"),
    ('{"properties": {"a": {"fromPrompt": 4}}}', "must be a pattern, got 4"),
])
def test_a_schema_that_cannot_work_is_refused(schema: str, words: str) -> None:
    with pytest.raises(CliError, match=f"--standin-json-schema .*{words}"):
        parse([f"--standin-json-schema={schema}"], {})


def test_a_condition_sees_the_last_message_of_the_user_and_the_turn() -> None:
    messages = [("user", "你" * 90), ("assistant", "b" * 80), ("user", "今天好烦")]
    body = {"messages": [{"role": role, "content": text} for role, text in messages]}
    asked = parse_call(body, Settings(), chat=True)
    assert (len(asked.question), asked.turn) == (4, 2)
    whole = parse_call({"prompt": "x" * 70}, Settings(), chat=False)
    assert (len(whole.question), whole.turn) == (70, 1)
