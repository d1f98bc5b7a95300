"""Copies in scripts without spaces, and in others than Latin, are proposed and verified as those in English are."""

from __future__ import annotations

import random

import pytest

from dedup.containment import ContainmentConfig, containment_keys
from dedup.verify import VerifyConfig, verify
from pipeline.text.words import text_hashes

CHINESE = (
    "我们 研究 方法 数据 结果 表明 因此 可以 证明 定理 函数 连续 区间 假设 存在 一个 实数 使得 对于 任意 如果 那么 方程 解法 学生 老师 学校 "
    "城市 历史 文化 经济 发展 社会 问题 政府 公司 市场 产品 技术 计算机 网络 信息 系统 程序 语言 时间 空间 世界 国家 人民 生活 工作 天气 河流"
)
JAPANESE = (
    "私たち は 研究 の 方法 を 説明する また データ から 結果 が わかる しかし 問題 に ついて 考える 必要 が ある 関数 と 方程式 定理 証明 学校 "
    "先生 学生 毎日 勉強 する 東京 電車 バス 天気 よい 雨 降る 春 桜 音楽 映画 小説 作家 新聞 コンピュータ ネットワーク システム プログラム です"
)
KOREAN = (
    "우리는 연구 방법을 설명하고 데이터에서 결과를 얻었다 그러나 문제에 대해 생각할 필요가 있다 함수와 방정식 정리 증명 학교 선생님 학생 매일 "
    "공부한다 서울 부산 기차 버스 날씨가 좋다 비가 온다 봄 가을 음악 영화 소설 작가 신문 회사 시장 컴퓨터 네트워크 시스템 프로그램 언어"
)
THAI = (
    "เรา ศึกษา วิธี ข้อมูล ผลลัพธ์ แสดง ว่า ดังนั้น สามารถ พิสูจน์ ทฤษฎี ฟังก์ชัน ช่วง สมมติ มี จำนวน สำหรับ ถ้า สมการ นักเรียน ครู โรงเรียน "
    "เมือง ประวัติศาสตร์ วัฒนธรรม เศรษฐกิจ พัฒนา สังคม ปัญหา รัฐบาล บริษัท ตลาด สินค้า เทคโนโลยี คอมพิวเตอร์ เครือข่าย ระบบ ภาษา เวลา โลก"
)
HINDI = (
    "हम अध्ययन विधि आँकड़े परिणाम दिखाते हैं इसलिए प्रमाण प्रमेय फलन अंतराल मान लीजिए संख्या समीकरण छात्र शिक्षक विद्यालय शहर इतिहास संस्कृति "
    "अर्थव्यवस्था विकास समाज समस्या सरकार कंपनी बाज़ार उत्पाद तकनीक कंप्यूटर नेटवर्क प्रणाली भाषा समय संसार देश लोग जीवन काम मौसम पहाड़ नदी"
)
LANGUAGES = {
    "zh": (CHINESE, "", "。"),
    "ja": (JAPANESE, "", "。"),
    "ko": (KOREAN, " ", ". "),
    "th": (THAI, "", " "),
    "hi": (HINDI, " ", "। "),
}
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def sentences(language: str, seed: int, count: int) -> list[str]:
    """Of a document's own half of the words."""
    words, glue, stop = LANGUAGES[language]
    draw = random.Random(f"{language} {seed}")
    known = words.split()
    own = draw.sample(known, len(known) // 2)
    made = (glue.join(draw.choices(own, k=draw.randint(5, 16))) for _ in range(count))
    return [
        f"{sentence}{glue}{draw.randint(1900, 2030)}{stop}" if n % 7 == 0 else sentence + stop
        for n, sentence in enumerate(made)
    ]


def proposed(*texts: str) -> bool:
    a, b = (set(containment_keys(text_hashes(text), ContainmentConfig()).tolist()) for text in texts)
    return not a.isdisjoint(b)


@pytest.mark.parametrize("language", LANGUAGES)
def test_copies_are_found_whatever_the_script(language: str) -> None:
    page = sentences(language, 1, 60)
    whole = "".join(page)
    copies = {
        "truncated": "".join(page[:42]),
        "wrapped": "".join([*sentences(language, 2, 12), *page, *sentences(language, 3, 12)]),
        "in lines": "\n".join(page),
        "full width": whole.translate(WIDE),
    }
    if not LANGUAGES[language][1]:
        copies["lines cut anywhere"] = "\n".join(whole[at : at + 37] for at in range(0, len(whole), 37))
    for name, copy in copies.items():
        assert proposed(whole, copy), name
        assert verify(whole, copy, VerifyConfig()).same, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_quotes_or_rewrites_a_part_is_another_document(language: str) -> None:
    page = sentences(language, 1, 60)
    rewritten = [sentences(language, 100 + n, 1)[0] if n % 3 == 0 else sentence for n, sentence in enumerate(page)]
    quoting = [*sentences(language, 4, 30), *page[20:32], *sentences(language, 5, 30)]
    for other in (sentences(language, 6, 60), rewritten, quoting):
        assert not verify("".join(page), "".join(other), VerifyConfig()).same


def test_chinese_worksheets_with_other_numbers_are_others() -> None:
    def worksheet(seed: int) -> str:
        draw = random.Random(seed)
        return "\n".join(
            f"第{n}题：商店里有{draw.randint(10, 99)}个苹果，卖掉{draw.randint(2, 9)}个以后，还剩多少个？"
            for n in range(1, 11)
        )

    assert not verify(worksheet(1), worksheet(2), VerifyConfig()).same
    assert verify(worksheet(1), worksheet(1).replace("\n", " "), VerifyConfig()).same
