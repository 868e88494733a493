"""Element sets written by hand: two lines with their checksums, and the same elements as a message."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2027, 3, 20, 12, tzinfo=UTC)


def sealed(line):
    """Return the line with its correct checksum."""
    body = line[:68]
    return body + str(sum(int(c) if c.isdigit() else c == "-" for c in body) % 10)


def two_lines(
    number="90001", *, epoch=EPOCH, motion=15.05, eccentricity=0.0001, inclination=53.0, node=120.0, anomaly=270.0,
    drag=" 10000-3",
):  # fmt: skip
    """Return a pair of lines; `number` has five characters, and `drag` eight."""
    day = (epoch - datetime(epoch.year, 1, 1, tzinfo=UTC)) / timedelta(days=1) + 1
    return (
        sealed(f"1 {number}U 27001A   {epoch:%y}{day:012.8f}  .00001000  00000-0 {drag} 0  999"),
        sealed(
            f"2 {number} {inclination:8.4f} {node:8.4f} {round(eccentricity * 1e7):07d}  90.0000 {anomaly:8.4f} "
            f"{motion:11.8f}    1"
        ),
    )


def message(
    number=90001, *, epoch=EPOCH, motion=15.05, eccentricity=0.0001, inclination=53.0, node=120.0, anomaly=270.0,
    drag=1e-4, **others,
):  # fmt: skip
    """Return the fields of the message that a catalogue serves for the elements of `two_lines`."""
    return {
        "OBJECT_NAME": f"ALPHA {number}",
        "OBJECT_ID": "2027-001A",
        "EPOCH": f"{epoch:%Y-%m-%dT%H:%M:%S.%f}",
        "MEAN_MOTION": motion,
        "ECCENTRICITY": eccentricity,
        "INCLINATION": inclination,
        "RA_OF_ASC_NODE": node,
        "ARG_OF_PERICENTER": 90.0,
        "MEAN_ANOMALY": anomaly,
        "EPHEMERIS_TYPE": 0,
        "CLASSIFICATION_TYPE": "U",
        "NORAD_CAT_ID": number,
        "ELEMENT_SET_NO": 999,
        "REV_AT_EPOCH": 1,
        "BSTAR": drag,
        "MEAN_MOTION_DOT": 1e-5,
        "MEAN_MOTION_DDOT": 0,
    } | others


def as_xml(messages):
    """Return messages as an XML file of the navigation data messages."""
    metadata = ("OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM", "MEAN_ELEMENT_THEORY")
    parts = []
    for fields in messages:
        fields = fields | dict(zip(metadata[2:], ("EARTH", "TEME", "UTC", "SGP4"), strict=True))
        about, elements = (
            "".join(f"<{k}>{v}</{k}>" for k, v in fields.items() if (k in metadata) == is_metadata)
            for is_metadata in (True, False)
        )
        parts.append(
            '<omm id="CCSDS_OMM_VERS" version="2.0"><header><CREATION_DATE/><ORIGINATOR/></header><body><segment>'
            f"<metadata>{about}</metadata><data><meanElements>{elements}</meanElements></data></segment></body></omm>"
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ndm>{"".join(parts)}</ndm>'


def as_csv(messages):
    """Return messages as a CSV file."""
    head = list(messages[0])
    return "\r\n".join([",".join(head), *(",".join(str(m[name]) for name in head) for m in messages)]) + "\r\n"


def as_kvn(messages):
    """Return messages as lines of names and values, with units where the standard shows them."""
    units = {"MEAN_MOTION": "rev/day", "INCLINATION": "deg", "BSTAR": "1/ER"}
    lines = []
    for fields in messages:
        lines += ["CCSDS_OMM_VERS = 2.0", "COMMENT written by hand", "CENTER_NAME = EARTH"]
        lines += [f"{k} = {v}" + (f" [{units[k]}]" if k in units else "") for k, v in fields.items()]
        lines.append("")
    return "\n".join(lines)
