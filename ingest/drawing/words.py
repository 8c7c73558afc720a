"""Invented people and what they say under their invented pictures."""

from ingest.drawing.scenes import Subject

# (name, handle): nobody real; the handles' hosts are reserved for examples (RFC 2606)
AUTHORS: tuple[tuple[str, str], ...] = (
    ("Amara Okafor", "@amara@photo.example"),
    ("Yuki Tanabe", "@yuki@lens.example"),
    ("Sofia Lindqvist", "@sofia@nord.example"),
    ("Mateo Quispe", "@mateo@andes.example"),
    ("Leïla Benhaddou", "@leila@atlas.example"),
    ("Jonas Weidner", "@jonas@photo.example"),
    ("Priya Raghunathan", "@priya@frames.example"),
    ("Tama Ngata", "@tama@coast.example"),
    ("Zofia Wróblewska", "@zofia@frames.example"),
    ("Kofi Asante-Boateng", "@kofi@lens.example"),
    ("Maeve Kilbride", "@maeve@coast.example"),
    ("Nguyễn Minh Châu", "@chau@photo.example"),
    ("Aylin Demirtaş", "@aylin@lens.example"),
    ("Iker Etxaniz", "@iker@frames.example"),
    ("Noor van Dalen", "@noor@photo.example"),
    ("Hana Kučerová", "@hana@frames.example"),
    ("Soo-ah Baek", "@sooah@lens.example"),
    ("Raúl Montejano", "@raul@coast.example"),
    ("Ingrid Thorvaldsen", "@ingrid@nord.example"),
    ("Dimitra Pavlaki", "@dimitra@coast.example"),
)

SAYINGS: dict[Subject, tuple[str, ...]] = {
    Subject.MOUNTAINS: (
        "Up before the birds for this. Worth every yawn. #mountains #firstlight",
        "Seven ridges and not a single sound. #hiking #mist",
        "The valley kept its fog until noon. #mountains",
    ),
    Subject.DUNES: (
        "Sand in my boots, in my bag, in my tea. Regret nothing. #desert #goldenhour",
        "The wind redraws these every night. #dunes",
        "Walked an hour for one line of shadow. #desert #minimal",
    ),
    Subject.SEA: (
        "Last light. Nobody on the pier spoke. #sea #sunset",
        "The water was so still that we whispered. #seascape",
        "One more evening by the sea before we drive home. #coast #evening",
    ),
    Subject.AURORA: (
        "It danced for eleven minutes and was gone. #aurora #northernlights",
        "My fingers froze, my heart did not. #aurora",
        "We stopped the car in the middle of nowhere for this. #nightsky",
    ),
    Subject.CITY: (
        "Every window a story. #city #bluehour",
        "Waiting for the tram, looked up. #skyline #dusk",
        "The hour when the lights win. #cityscape",
    ),
    Subject.STARS: (
        "No signal, no lamps, all the stars. #milkyway #nightsky",
        "Thirty seconds of standing very still. #longexposure #stars",
        "Old light, new coffee. #astrophotography",
    ),
    Subject.LEAVES: (
        "Pressed these in my grandmother’s atlas. #botanical",
        "A small study in green. #leaves #print",
        "Sunday: paper, scissors, garden. #botanical #handmade",
    ),
    Subject.SHAPES: (
        "Cut paper, no plan. #geometry #abstract",
        "Morning exercise: four colours, one rule. #design #shapes",
        "For the hallway. Still deciding which way is up. #print #abstract",
    ),
}  # fmt: skip
