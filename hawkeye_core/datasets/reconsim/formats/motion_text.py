"""Captions of motions as HumanML3D stores them: tokens with parts of speech, other subjects, left and right swapped.

HumanML3D makes its tokens with spaCy: hyphens go, what is not of letters goes, nouns and verbs are given by their base
form (``left`` never), and each token is ``word/POS`` in Universal POS tags. The same is done here by a lexicon of the
words that the motion library uses, which needs no model.
"""

from __future__ import annotations

import re

SUBJECTS: tuple[str, ...] = ("a person", "the person", "someone")
"""With what captions begin."""

_CLOSED: dict[str, frozenset[str]] = {
    tag: frozenset(words.split())
    for tag, words in {
        "DET": "a an the this that his her their its another each both some no",
        "PRON": "someone somebody something it he she they them him themselves himself itself nothing",
        "ADP": "in on at to with from of into onto over under down up off behind across around through toward towards "
        "near against by for out past beside between before after above below along inside like without upon about",
        "CCONJ": "and or but",
        "SCONJ": "while as if",
        "AUX": "is are be been being was were has have had",
        "NUM": "one two three",
        "PART": "not",
        "ADV": "forward forwards backward backwards again back away still then aside sideways upright ahead there "
        "first astride twice once almost just together apart down low high behind quite so very fast hard round",
        "ADJ": "straight bent own imaginary heavy small low high both other same open long seated quick slow strong "
        "light outstretched flat whole front invisible wide short big large limp stiff tall steep unsteady "
        "relaxed calm drunk even several",
    }.items()
}
_ORDER = ("DET", "PRON", "CCONJ", "SCONJ", "AUX", "NUM", "PART", "ADP", "ADV", "ADJ")
_VERBS = frozenset(
    """act aim beat bend blow box bring carry catch check chop clamber climb collapse come cover cower crouch
    cycle dance do dodge drag draw drive drop drum duck end explain extend face fall fend fight fling fold
    gesture get give go grab grip hand hang haul hide hit hold hop hunch jab jog jump keep kick kneel land lay
    lead lean leave let lie lift light look lose lower lunge make move nod offer open pace pass pedal pick
    place point pose pound present press protect pull pump punch push put raise reach receive recoil release
    rest ride rise rock roll run rush scoop seem set shake shield shift shove show shrink shrug shuffle sit
    slam slap slide slip slump smash snatch speak spin sprint squat stagger stand stay steer step stick stomp
    stop straighten stretch stride strike stroll stuff stumble sway swerve swing take talk throw thrust tilt
    topple touch trip try tuck turn wait walk wave wobble work yank""".split()
)
_NOUNS = frozenset(
    """action air arm back bag balance ball bat belly bench bicycle bike blow body box car chair chest chin circle
    clothes clutch coat conversation cross direction edge elbow face fence finger fist floor foot front ground
    hammer hand handlebar head heel height hello help hip hit hold inside item jacket kick knee ladder ledge
    leg level lighter line load log man match motion motorcycle object opening pace person phone place pocket
    point pole pose punch rail right rope run seat shoulder side sled spot step stick stone surface swing
    table thing tool torso trip trunk turn vehicle walk wall wave way weight wheel window woman wrist""".split()
)
_IRREGULAR = {
    "feet": "foot", "lies": "lie", "lying": "lie", "sits": "sit", "held": "hold", "bent": "bend", "lay": "lie",
    "lain": "lie", "stood": "stand", "hidden": "hide", "people": "people", "sat": "sit", "clothes": "clothes",
    "kept": "keep", "thrown": "throw", "raised": "raise",
}  # fmt: skip
_SIDES = frozenset({"left", "right"})
_SWAP = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}


def retold(caption: str) -> list[str]:
    """The caption with every subject of :data:`SUBJECTS`, its own first."""
    own = next((subject for subject in SUBJECTS if caption.startswith(f"{subject} ")), None)
    if own is None:
        return [caption]
    rest = caption[len(own) :]
    return [caption, *(subject + rest for subject in SUBJECTS if subject != own)]


def mirrored(text: str) -> str:
    """Left for right and clockwise for counterclockwise, and the other way round."""
    return re.sub(r"\b(left|right|clockwise|counterclockwise)\b", lambda found: _SWAP[found.group()], text)


def words_of(caption: str) -> list[str]:
    """The words that get a token."""
    return [word for word in re.findall(r"[\w']+", caption.replace("-", "")) if word.isalpha()]


def tokens(caption: str) -> str:
    """``word/POS`` of each word, with spaces between."""
    words = words_of(caption)
    tags: list[str] = []
    for i, word in enumerate(words):
        tags.append(_tag(word, words[i + 1] if i + 1 < len(words) else "", tags[-1] if tags else ""))
    return " ".join(f"{_base(word, tag)}/{tag}" for word, tag in zip(words, tags, strict=True))


def known(word: str) -> bool:
    """Whether the lexicon has the word."""
    closed = any(word in words for words in _CLOSED.values())
    return closed or word in _SIDES or word.endswith("ly") or _lemma(word, _VERBS | _NOUNS) is not None


def _tag(word: str, after: str, before_tag: str) -> str:
    word = word.lower()
    if word in _SIDES:
        return "ADJ" if _lemma(after, _NOUNS) else "NOUN"
    verb, noun = _lemma(word, _VERBS), _lemma(word, _NOUNS)
    if verb and word == "light" and before_tag == "DET":
        return "ADJ"
    if word == "to" and after in _VERBS:
        return "PART"
    if verb and word.endswith("ing") and before_tag == "DET":
        return "NOUN"
    if noun and (not verb or before_tag in ("DET", "ADJ", "NUM", "ADP")):
        if word == "back" and before_tag != "DET":
            return "ADV"
        return "VERB" if verb and word.endswith("ing") else "NOUN"
    if verb:
        return "VERB"
    if word.endswith("ly"):
        return "ADV"
    return next((tag for tag in _ORDER if word in _CLOSED[tag]), "NOUN")


def _base(word: str, tag: str) -> str:
    if tag == "VERB":
        return _lemma(word, _VERBS) or word
    if tag == "NOUN" and word != "left":
        return _lemma(word, _NOUNS) or word
    return word


def _lemma(word: str, lexicon: frozenset[str]) -> str | None:
    """Base form of a word, if the lexicon has it."""
    stems = [word, _IRREGULAR.get(word, ""), word.removesuffix("s"), word.removesuffix("es")]
    for ending in ("ing", "ed"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            stems += [stem, stem + "e", stem[:-1]]
    if word.endswith("ies"):
        stems.append(word.removesuffix("ies") + "y")
    if word.endswith("ied"):
        stems.append(word.removesuffix("ied") + "y")
    return next((stem for stem in stems if stem in lexicon), None)
