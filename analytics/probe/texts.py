"""The words of the report, in English and French. ``{name}`` takes a value of the remark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from analytics.probe.verdict import Remark

Language: TypeAlias = Literal["en", "fr"]


class Words(NamedTuple):
    """What is so, and what to do."""

    message: str
    remedy: str


_REMARKS: Final[Mapping[str, Mapping[Language, Words]]] = {
    "too_small": {
        "en": Words("{width} x {height} pixels are too few", "Choose a stream of 704 x 576 pixels or more in the VMS."),
        "fr": Words("{width} x {height} pixels, c'est trop peu", "Choisir dans le VMS un flux d'au moins 704 x 576."),
    },
    "small": {
        "en": Words(
            "{width} x {height} pixels are less than 4CIF",
            "Choose 704 x 576 pixels or more: people far away are missed.",
        ),
        "fr": Words(
            "{width} x {height} pixels : moins que 4CIF",
            "Choisir au moins 704 x 576 : les personnes lointaines échappent.",
        ),
    },
    "no_rate": {
        "en": Words(
            "too few pictures came to tell their rate", "Look at the camera in the VMS, or probe longer (--seconds)."
        ),
        "fr": Words(
            "trop peu d'images pour mesurer leur cadence",
            "Voir la caméra dans le VMS, ou sonder plus longtemps (--seconds).",
        ),
    },
    "no_tracks": {
        "en": Words(
            "{fps:.1f} pictures per second: nothing can be followed",
            "Set the stream to 12 pictures per second or more.",
        ),
        "fr": Words(
            "{fps:.1f} images par seconde : rien ne peut être suivi", "Régler le flux à 12 images par seconde ou plus."
        ),
    },
    "slower_than_analysed": {
        "en": Words(
            "{fps:.1f} pictures per second, {analysed:g} are to be analysed",
            "Set the stream to 12 or more, or analysis.fps lower.",
        ),
        "fr": Words(
            "{fps:.1f} images par seconde, {analysed:g} à analyser",
            "Régler le flux à 12 ou plus, ou baisser analysis.fps.",
        ),
    },
    "slow": {
        "en": Words("{fps:.1f} pictures per second", "12 or more are wanted: fast movements are missed."),
        "fr": Words("{fps:.1f} images par seconde", "Il en faut 12 ou plus : les mouvements rapides échappent."),
    },
    "below_nominal": {
        "en": Words(
            "{fps:.1f} pictures per second come, the stream announces {nominal:.1f}",
            "Look at the load of camera and network, and at long exposure by night.",
        ),
        "fr": Words(
            "{fps:.1f} images par seconde arrivent, le flux en annonce {nominal:.1f}",
            "Voir la charge de la caméra et du réseau, et les longues poses de nuit.",
        ),
    },
    "no_key_interval": {
        "en": Words(
            "not two key frames came", "Set the key frame interval (GOP) to 1 or 2 s, or probe longer (--seconds)."
        ),
        "fr": Words(
            "moins de deux images clés reçues",
            "Régler l'intervalle d'images clés (GOP) à 1 ou 2 s, ou sonder plus longtemps (--seconds).",
        ),
    },
    "rare_keys": {
        "en": Words(
            "a key frame every {seconds:.1f} s only",
            "Set the key frame interval (GOP) to 1 or 2 s: a lost stream is back only then.",
        ),
        "fr": Words(
            "une image clé toutes les {seconds:.1f} s seulement",
            "Régler l'intervalle d'images clés (GOP) à 1 ou 2 s : un flux perdu ne revient qu'alors.",
        ),
    },
    "b_frames": {
        "en": Words(
            "the stream has B-frames: pictures come late",
            "Switch B-frames off (baseline or main profile without them).",
        ),
        "fr": Words("le flux contient des images B : les images arrivent en retard", "Désactiver les images B."),
    },
    "interlaced": {
        "en": Words(
            "the pictures are interlaced", "Set the camera or encoder to progressive: moving people are combs."
        ),
        "fr": Words(
            "les images sont entrelacées", "Passer la caméra ou l'encodeur en progressif : qui bouge est déchiré."
        ),
    },
    "costly": {
        "en": Words(
            "decoding takes {share:.0%} of a core ({milliseconds:.1f} ms a picture)",
            "Choose a smaller second stream, or hardware decoding (analysis.decoder).",
        ),
        "fr": Words(
            "le décodage prend {share:.0%} d'un cœur ({milliseconds:.1f} ms par image)",
            "Choisir un second flux plus petit, ou le décodage matériel (analysis.decoder).",
        ),
    },
    "late_start": {
        "en": Words(
            "the first picture came after {seconds:.1f} s",
            "Set the key frame interval to 1 or 2 s; look at the load of the VMS.",
        ),
        "fr": Words(
            "première image après {seconds:.1f} s",
            "Régler l'intervalle d'images clés à 1 ou 2 s ; voir la charge du VMS.",
        ),
    },
    "jitter": {
        "en": Words(
            "pictures come up to {milliseconds:.0f} ms early or late",
            "Look at the network between recorder and this machine.",
        ),
        "fr": Words(
            "les images arrivent avec jusqu'à {milliseconds:.0f} ms d'écart",
            "Voir le réseau entre l'enregistreur et cette machine.",
        ),
    },
    "lossy": {
        "en": Words(
            "{share:.1%} of the pictures are damaged or missing", "Look for packet loss; choose TCP instead of UDP."
        ),
        "fr": Words(
            "{share:.1%} des images sont abîmées ou manquent",
            "Chercher les pertes de paquets ; choisir TCP plutôt qu'UDP.",
        ),
    },
    "clock": {
        "en": Words(
            "capture time is {seconds:+.1f} s from this machine's clock",
            "Give VMS and this machine the same NTP time source.",
        ),
        "fr": Words(
            "l'heure de capture est à {seconds:+.1f} s de l'horloge de cette machine",
            "Donner au VMS et à cette machine la même source NTP.",
        ),
    },
    "no_picture": {
        "en": Words("no picture could be decoded", "Set the camera to H.264, H.265 or MJPEG."),
        "fr": Words("aucune image n'a pu être décodée", "Régler la caméra en H.264, H.265 ou MJPEG."),
    },
    "dark": {
        "en": Words(
            "the picture is dark (mean luma {value:.0f} of 255)",
            "Add light or infrared; probe again by day to compare.",
        ),
        "fr": Words(
            "l'image est sombre (luma moyen {value:.0f} sur 255)",
            "Ajouter de la lumière ou de l'infrarouge ; comparer de jour.",
        ),
    },
    "bright": {
        "en": Words(
            "the picture is over-exposed (mean luma {value:.0f} of 255)",
            "Set exposure, or turn the camera from the light.",
        ),
        "fr": Words(
            "l'image est surexposée (luma moyen {value:.0f} sur 255)",
            "Régler l'exposition, ou détourner la caméra de la lumière.",
        ),
    },
    "flat": {
        "en": Words(
            "the picture has little contrast ({value:.0f})",
            "Clean the lens; look for fog, backlight, or an infrared reflection.",
        ),
        "fr": Words(
            "l'image est peu contrastée ({value:.0f})",
            "Nettoyer l'objectif ; voir brouillard, contre-jour ou reflet infrarouge.",
        ),
    },
    "soft": {
        "en": Words(
            "the picture has little detail ({value:.0f})", "Set the focus, clean the lens, or raise the bit rate."
        ),
        "fr": Words(
            "l'image a peu de détail ({value:.0f})",
            "Faire la mise au point, nettoyer l'objectif ou augmenter le débit.",
        ),
    },
    "blocky": {
        "en": Words("coding left visible blocks ({value:.1f})", "Raise the bit rate or quality of the stream."),
        "fr": Words("le codage laisse des blocs visibles ({value:.1f})", "Augmenter le débit ou la qualité du flux."),
    },
    "small_people": {
        "en": Words(
            "far people are {have:.0f} pixels high, {need} are wanted",
            "Zoom in, choose a larger stream, or draw zones nearer.",
        ),
        "fr": Words(
            "au loin, une personne a {have:.0f} pixels de haut, il en faut {need}",
            "Zoomer, choisir un flux plus grand, ou rapprocher les zones.",
        ),
    },
    "failed": {"en": Words("{message}", "{remedy}"), "fr": Words("{message}", "{remedy}")},
}

LABELS: Final[Mapping[str, Mapping[Language, str]]] = {
    "title": {"en": "Feasibility of the streams", "fr": "Faisabilité des flux"},
    "camera": {"en": "camera", "fr": "caméra"},
    "verdict": {"en": "verdict", "fr": "avis"},
    "green": {"en": "fits", "fr": "convient"},
    "yellow": {"en": "fits with reservations", "fr": "convient avec réserves"},
    "red": {"en": "does not fit", "fr": "ne convient pas"},
    "what": {"en": "what, and what to do", "fr": "constat et remède"},
    "nothing": {"en": "nothing to say", "fr": "rien à signaler"},
    "probed": {
        "en": "probed on {at}, {seconds:g} s each, on this machine",
        "fr": "sondé le {at}, {seconds:g} s chacun, sur cette machine",
    },
    "codec": {"en": "codec, profile", "fr": "codec, profil"},
    "size": {"en": "size (as shown)", "fr": "taille (affichée)"},
    "rate": {"en": "pictures/s (announced)", "fr": "images/s (annoncées)"},
    "keys": {"en": "key frames", "fr": "images clés"},
    "bit_rate": {"en": "kbit/s", "fr": "kbit/s"},
    "jitter": {"en": "jitter", "fr": "gigue"},
    "lost": {"en": "lost", "fr": "pertes"},
    "clock": {"en": "clock", "fr": "horloge"},
    "start": {"en": "first picture", "fr": "1re image"},
    "decode": {"en": "decoding", "fr": "décodage"},
    "light": {"en": "light, contrast, sharpness, blocks", "fr": "lumière, contraste, netteté, blocs"},
    "person": {"en": "a person needs", "fr": "il faut par personne"},
}


def label(name: str, language: Language) -> str:
    """A word of the report itself."""
    return LABELS[name][language]


def words_of(remark: Remark, language: Language) -> Words:
    """A remark, with its figures."""
    words = _REMARKS[remark.code][language]
    return Words(words.message.format(**remark.values), words.remedy.format(**remark.values))


def codes() -> frozenset[str]:
    """Every remark that there are words for."""
    return frozenset(_REMARKS)
