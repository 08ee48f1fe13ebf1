#!/usr/bin/env python3
"""Writes a sendmail log with exact truth: sendmail.py BYTES OUT TRUTH. The same size gives the same bytes."""
import sys

DAY = 86400
KINDS = [
    ("2.0.0", "Sent (250 2.0.0 Ok: queued as {id})", "sent"),
    ("4.0.0", "Deferred: Connection refused by {mx}", "deferred"),
    ("4.7.0", "Deferred: 403 4.7.0 TLS handshake failed.", "deferred"),
    ("5.1.1", "User unknown", "bounced"),
]


def stamp(second):
    day, rest = divmod(second, DAY)
    return f"Nov {20 + day % 10:2d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def main():
    limit, out, truth = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    counts = dict.fromkeys(["lines", "messages", "sent", "deferred", "bounced"], 0)
    written = number = 0
    with open(out, "w") as log:
        while written < limit:
            number += 1
            second = number // 4
            moment = stamp(second)
            queue_id = f"5AK{number:011d}"
            pid = 1000 + number % 30000
            domain = f"d{number * 7919 % 5000}.example"
            mx = f"mx.{domain}"
            status, text, outcome = KINDS[0 if number % 10 else number // 10 % 4]
            lines = [
                f"from=<user{number % 900}@sender.example>, size={1000 + number % 9000}, class=0, "
                f"nrcpts=1, msgid=<{number}@sender.example>, proto=ESMTP, daemon=MTA, "
                "relay=client.example [198.51.100.9]",
                f"to=<u{number % 7000}@{domain}>, delay=00:00:02, xdelay=00:00:01, mailer=esmtp, "
                f"pri=120000, relay={mx}. [192.0.2.{number % 250 + 1}], dsn={status}, "
                f"stat={text.format(id=queue_id, mx=mx + '.')}",
            ]
            text = f"{moment} mx1 sm-mta[{pid}]: {queue_id}: {lines[0]}\n"
            if outcome != "bounced":
                text += (
                    f"{moment} mx1 sm-mta[{pid}]: STARTTLS=client, relay={mx}., version=TLSv1.3, "
                    "verify=FAIL, cipher=TLS_AES_256_GCM_SHA384, bits=256/256\n"
                )
            text += f"{moment} mx1 sm-mta[{pid}]: {queue_id}: {lines[1]}\n"
            log.write(text)
            written += len(text)
            counts["lines"] += text.count("\n")
            counts["messages"] += 1
            counts[outcome] += 1
    with open(truth, "w") as totals:
        totals.write("# totals\n" + "".join(f"{name}\t{count}\n" for name, count in counts.items()))


main()
