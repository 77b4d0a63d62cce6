"""Who got which answer while rounds.py was at it: requests that were lost, and why, and answers of a release that
was not to answer any more, or not yet."""

import collections
from datetime import datetime, timezone

AFTER_A_KILL_US = 1_000_000  # within which a request that was lost may be one that a killed process had taken


def microseconds(moment):
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return round(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp() * 1_000_000)


class Answers:
    """phases: what the hammer counted in each round; releases: the manifests of all there were."""

    def __init__(self, phases, rounds, releases, asking):
        self.phases, self.rounds, self.releases, self.asking = phases, rounds, releases, asking
        self.lost = collections.Counter()
        self.reasons = collections.Counter()
        self.uncommitted = 0
        self.live_at = {number: microseconds(release["evidence"]["live_at"])
                        for number, release in releases.items() if "live_at" in release.get("evidence", {})}

    def problems(self):
        found = []
        for played, counts in zip(self.rounds, self.phases):
            found += self.lost_in(played, counts)
            for name, count in counts["releases"].items():
                span = counts["first_us"][name], counts["last_begun_us"][name]
                wrong = self.wrong_answer(int(name.removeprefix("v")), *span, played)
                if wrong:
                    found.append(f"round {played.number}: {count} answers of {name}, which {wrong}")
        for counts in self.phases:
            self.reasons.update(counts["failures"])
        return found

    # --- Requests that were lost ---

    def lost_in(self, played, counts):
        reasons = [self.reason(moment, played) for moment in counts["failed_us"]]
        self.lost.update(reasons)
        found = []
        if reasons.count("unexplained"):
            moments = [(moment - played.begun_us) / 1e6 for moment in counts["failed_us"]]
            found.append(f"round {played.number}: requests failed {moments} s after its begin: {counts['failures']}, "
                         f"of {[str(deed) for deed in played.deeds]}")
        most = self.asking * len(played.web_kills)
        if reasons.count("in flight in a killed process") > most:
            found.append(f"round {played.number}: {reasons} were lost, and there were only {most} in flight")
        return found

    def reason(self, moment, played):
        if played.web_kills and played.supervisor_kills and moment >= min(played.web_kills):
            return "killed with the supervisor"  # nobody is there who keeps its socket open, or starts it again
        if any(kill <= moment <= kill + AFTER_A_KILL_US for kill in played.web_kills):
            return "in flight in a killed process"
        return "unexplained"

    # --- Releases that answer ---

    def wrong_answer(self, number, first_us, last_begun_us, played):
        """What is wrong about a release that answered from then on, the last time a request that began then."""
        release = self.releases.get(number)
        if release is None:
            return "was never recorded"
        if release["is_bad"]:
            return "was never well"
        if number not in self.live_at:  # got the traffic, and its deploy died before it was made live
            self.uncommitted += 1
            return None if played.kills else "was never live"
        order = sorted(self.live_at)
        at = order.index(number)
        if at > 0 and first_us < self.live_at[order[at - 1]]:
            return f"was neither live nor next: v{order[at - 1]} was not live yet"
        if at + 2 < len(order) and last_begun_us > self.live_at[order[at + 2]]:
            late = (last_begun_us - self.live_at[order[at + 2]]) / 1000
            return f"was neither live nor the one before, {late:.0f} ms after v{order[at + 2]} had become live"
        return None

    def summary(self):
        requests = sum(counts["requests"] for counts in self.phases)
        lost = ", ".join(f"{count} {reason}" for reason, count in sorted(self.lost.items())) or "none"
        return (f"{requests} requests, {sum(self.lost.values())} lost: {lost} ({dict(self.reasons)}); "
                f"{self.uncommitted} times a release answered whose deploy was killed before it was live")
