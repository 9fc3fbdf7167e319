"""`limits`: what one server of a small model can do at most (002).

The amounts are the document's, section by section; its measured numbers are nowhere, for they are what is asked.
"""
from __future__ import annotations

import json
from typing import Any

from description.server import GPU, VLLM_IMAGE, resources, standin, vllm
from description.size import Size

LENGTHS = (128, 512, 1024, 2048, 4096, 8192)
ANSWER_TOKENS = 512
# Up to here the document calls an input usual, and promises its first token within half a second.
USUAL_TOKENS = 1024
LEVELS = (10, 25, 50, 75, 100)
DISTANCES = (1, 2, 4, 8, 10)
LONGEST_ANSWER = 8192
ARTICLE = "请写一篇关于量子计算原理及其未来发展的科普文章,不少于 5000 字。"
PERSON = """\
请根据以下信息生成标准 JSON 格式的数据:
姓名:张伟,年龄:32,职业:软件工程师,技能:Python, Java, SQL,城市:杭州
要求:
- 字段名使用英文小写
- 技能字段为数组
- 不添加额外说明"""
NAMES = "- 字段名依次为 name, age, job, skills, city"
FACT, ASKED = "记住：我的储物柜号码是{{ number }}。", "我的储物柜号码是多少？只回答号码。"
FILLERS = (
    "请讲一个关于大海的小故事。", "天气不错，去哪里散步好？", "请用一句话解释什么是潮汐。",
    "周末做什么菜比较简单？", "请介绍一种适合阳台的植物。", "怎样才能睡得更好？",
    "请推荐一本适合旅途中读的书。", "为什么秋天树叶会变黄？", "请说说骑自行车的好处。",
    "下雨天在家可以做些什么？",
)
LOCKERS = ("4711", "0815", "3302", "9148", "2765", "5093", "6621", "1384", "7459", "8206",
           "4178", "9530", "2647", "3815", "7092", "1563", "6984", "5271", "8349", "2906")
# What the stand-in reads out of a prompt that asks for JSON.
STANDIN_PERSON = {
    "type": "object", "required": ["name", "age", "job", "skills", "city"],
    "properties": {
        "name": {"type": "string", "fromPrompt": "姓名[:：]([^,，]+)"},
        "age": {"type": "integer", "fromPrompt": "年龄[:：]([0-9]+)"},
        "job": {"type": "string", "fromPrompt": "职业[:：]([^,，]+)"},
        "skills": {"type": "array", "items": {"type": "string"}, "fromPrompt": "技能[:：](.+?)[,，]城市"},
        "city": {"type": "string", "fromPrompt": "城市[:：](\\S+)"},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "age", "job", "skills", "city"],
    "properties": {
        "name": {"type": "string", "const": "张伟"},
        "age": {"type": "integer", "const": 32},
        "job": {"type": "string", "const": "软件工程师"},
        "skills": {"type": "array", "items": {"type": "string"}, "const": ["Python", "Java", "SQL"]},
        "city": {"type": "string", "const": "杭州"},
    },
}


def introduction(size: Size) -> list[str]:
    """What the head of the manifest says."""
    return [
        "What can one server of Qwen2.5-0.5B do at most? Latency by input length, answers of 8,192 tokens, held "
        "streams up to 100, JSON alone and under load, and a fact recalled after up to ten turns. One replica, nothing "
        "scales.",
        *(["Against the stand-in, in about five minutes: 30 s at each level, which is four answers of the longest one; "
           "counts and held streams are the document's, since a share needs its count."] if size.is_smoke else
          ["A third of the time at each level, to see it run before the full one."] if size.time > 1 else []),
    ]


def manifest(size: Size) -> dict[str, Any]:
    """The ElasticityTest."""
    return {
        "apiVersion": "elastometer.dev/v1alpha1",
        "kind": "ElasticityTest",
        "metadata": {"name": "limits"},
        "spec": {
            "target": {"model": {"name": "Qwen/Qwen2.5-0.5B-Instruct"}, "server": _server(size)},
            "autoscaler": {"type": "None", "replicas": 1},
            "load": _load(size),
            "objectives": _objectives(),
            "measurement": {
                "scrapePeriodSeconds": size.of(5, 2),
                "settleSeconds": size.of(60, 15),
                "readyDeadlineSeconds": size.of(900, 120),
            },
        },
    }


def _server(size: Size) -> dict[str, Any]:
    """64 sequences at once, so that the levels of 75 and 100 wait and the answer has a limit to find."""
    if not size.is_smoke:
        return vllm(VLLM_IMAGE, ["--max-model-len=16384", "--gpu-memory-utilization=0.9"],
                    resources({"cpu": "4", "memory": "16Gi"}, {GPU: "1", "memory": "32Gi"}))
    return standin([
        "--max-num-seqs=64", "--max-model-len=16384", "--num-gpu-blocks-override=8192",
        "--standin-prefill-tokens-per-second=100000", "--standin-prefill-overhead-ms=5",
        "--standin-decode-ms-per-token=2", "--standin-decode-slowdown=0.05",
        "--standin-answer-tokens=2700",
        "--standin-memory-base-mb=64", "--standin-memory-kb-per-stream=512", "--standin-memory-return-seconds=3",
        "--standin-gpu-memory-gib=24",
        f"--standin-json-schema={json.dumps(STANDIN_PERSON, ensure_ascii=False)}",
    ], resources({"cpu": "200m", "memory": "128Mi"}, {GPU: "1", "memory": "512Mi"}))


def _load(size: Size) -> dict[str, Any]:
    return {
        "seed": 7,
        "timeoutSeconds": size.of(120, 60),
        "connection": {"policy": "SpreadOverPods"},
        "taskOrder": "Alternating",
        "tasks": [_article(), _sized(), *_json_tasks(), *map(_recall, DISTANCES), _changed()],
        "stages": list(_stages(size)),
    }


def _article() -> dict[str, Any]:
    return {
        "#": "An answer as long as the server allows, to the document's own request for 5,000 characters.",
        "name": "article",
        "messages": [{"role": "user", "content": ARTICLE}],
        "maximumTokens": _exactly(LONGEST_ANSWER),
        "sampling": {"temperature": _always("0.8"), "repetitionPenalty": _always("1.1"), "seed": "PerRequest"},
        "checks": [{"type": "Truncation"}, {"type": "Repetition", "maximumShare": "0.1"}, {"type": "Readable"},
                   {"type": "MinimumCharacters", "minimum": 5000}],
    }


def _sized() -> dict[str, Any]:
    return {
        "#": "1,024 tokens in and exactly 512 out. The document's own prompt has ten words; its table fits 1,024.",
        "name": "sized",
        "weight": 4,
        "inputTokens": _exactly(1024),
        "maximumTokens": _exactly(ANSWER_TOKENS),
        "ignoreEndOfText": True,
        "sampling": {"temperature": _always("0.7"), "topP": _always("0.9")},
    }


def _json_tasks() -> list[dict[str, Any]]:
    """The document's prompt never names the fields that it expects; the second one does."""
    prompts = {"json-as-written": PERSON, "json-named": f"{PERSON}\n{NAMES}"}
    return [{
        "name": name,
        "messages": [{"role": "user", "content": prompt}],
        "maximumTokens": _exactly(256),
        "sampling": {"temperature": _always("0.7"), "topP": _always("0.9"), "seed": "PerRequest"},
        "responseFormat": "Text",
        "checks": [{"type": "JSONSchema", "schema": SCHEMA}],
    } for name, prompt in prompts.items()]


def _recall(distance: int) -> dict[str, Any]:
    """A fact, `distance` turns about something else, and the question."""
    said = [FACT, *FILLERS[:distance], ASKED]
    return _conversation(f"recall-{distance}", said, [{"number": one} for one in LOCKERS], "{{ number }}")


def _changed() -> dict[str, Any]:
    said = [FACT, *FILLERS[:2], "记住：我的储物柜号码改成{{ newer }}。", *FILLERS[2:4], ASKED]
    rows = [{"number": one, "newer": other} for one, other in zip(LOCKERS, (*LOCKERS[7:], *LOCKERS[:7]), strict=True)]
    return {"#": "The fact is changed on the way: the newest must be recalled.",
            **_conversation("recall-changed", said, rows, "{{ newer }}")}


def _conversation(name: str, said: list[str], rows: list[dict[str, str]], fact: str) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": said[0]}]
    for text in said[1:]:
        messages += [{"role": "assistant", "generated": True}, {"role": "user", "content": text}]
    return {
        "name": name,
        "messages": messages,
        "dataset": {"inline": rows},
        "maximumTokens": _exactly(64),
        "sampling": {"temperature": _always("0")},
        "checks": [{"type": "Recall", "fact": fact}],
    }


def _stages(size: Size) -> list[dict[str, Any]]:
    recalled = [f"recall-{distance}" for distance in DISTANCES] + ["recall-changed"]
    both = ["json-as-written", "json-named"]
    return [
        {"#": "One request at a time, five of each length.", "name": "lengths", "type": "Sweep",
         "inputTokens": list(LENGTHS), "outputTokens": ANSWER_TOKENS, "requestsEach": 5},
        {"name": "long", "type": "Concurrency", "concurrency": 1, "requests": 3, "tasks": ["article"]},
        {"#": "Held streams without a pause: the document's rates are its concurrency over its latency to 1 %.",
         **_level(size, LEVELS[0])},
        *(_level(size, streams) for streams in LEVELS[1:]),
        {"#": "Until the last answers of the level have ended: what follows is sent one at a time.",
         "name": "drain", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "0", "role": "Quiet"},
        {"#": "100 answers to each of the two prompts, one at a time, then as many among 400 others.",
         "name": "json-alone", "type": "Concurrency", "concurrency": 1, "requests": 200, "tasks": both},
        {"name": "json-busy", "type": "Concurrency", "concurrency": 50, "requests": 600, "tasks": ["sized", *both]},
        {"#": "20 conversations of each kind.",
         "name": "recall", "type": "Concurrency", "concurrency": 10, "requests": 120, "tasks": recalled},
    ]


def _level(size: Size, streams: int) -> dict[str, Any]:
    return {"name": f"level-{streams}", "type": "Concurrency", "concurrency": streams,
            "durationSeconds": size.seconds(180, at_least=30), "warmupSeconds": size.seconds(30, at_least=12),
            "tasks": ["sized"]}


def _objectives() -> list[dict[str, Any]]:
    json_valid = [{"name": name, "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": "95",
                   "taskName": name} for name in ("json-as-written", "json-named")]
    return [
        {"name": "served", "indicator": "RequestSuccess", "minimumPercent": "99"},
        {"name": "first-token", "indicator": "TimeToFirstToken", "percentile": 95, "maximumMilliseconds": 500,
         "taskName": "sized"},
        *({"name": f"first-token-{length}", "indicator": "TimeToFirstToken", "percentile": 95,
           "maximumMilliseconds": 500, "taskName": f"sweep-{length}"} for length in LENGTHS if length <= USUAL_TOKENS),
        *json_valid,
    ]


def _exactly(number: int) -> dict[str, int]:
    return {"minimum": number, "maximum": number}


def _always(number: str) -> dict[str, str]:
    return {"minimum": number, "maximum": number}
