//! What was asked, and what each answer shows.

use crate::shell::CommandLine;

/// A question with its story.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// What it shows.
    pub(super) title: &'static str,
    /// What the complaint says, and what a search of the log would have named.
    pub(super) story: &'static str,
    /// The arguments of `resolve`.
    words: &'static [&'static str],
    /// Why the answer is what it is.
    pub(super) why: &'static str,
}

impl Question {
    /// The command that asks it.
    pub(super) fn command(&self, ledger: &str) -> CommandLine {
        CommandLine::new(["resolve", "--ledger", ledger]).with(self.words.iter().copied())
    }
}

/// All questions, in the order of the tour.
pub(super) const QUESTIONS: [Question; 17] = [
    Question {
        title: "A session that is 40 minutes old",
        story: "A shop reports fraud at 18:50:21 from port 40213. grep within five minutes finds no line of that port; \
                within two hours it finds erin first.",
        words: &["198.18.1.7:40213", "2026-11-02T18:50:21Z", "--protocol", "tcp"],
        why: "A record answers for all the time between its begin and its end, not for the minutes around its lines.",
    },
    Question {
        title: "A port that changed hands within a millisecond",
        story: "A DNS server logs port 20017 at 19:00:45.371. At .371000 the log still shows dave's entry, so grep names dave.",
        words: &[
            "198.18.1.7:20017",
            "2026-11-02T19:00:45.371Z",
            "--protocol",
            "udp",
            "--to",
            "192.0.2.53:53",
        ],
        why: "The written time is a whole millisecond. dave's entry had expired, so his last packet was half a minute \
              older; erin's entry begins inside that millisecond. It is fragile, and says so.",
    },
    Question {
        title: "An address that moved while its session lived",
        story: "A mail server logs the end of a connection from port 31337 at 18:49:59. By then carol had bob's inside \
                address, so a join by time names carol.",
        words: &["198.18.1.7:31337", "2026-11-02T18:49:59Z", "--protocol", "tcp"],
        why: "A session belongs to who held the inside address when it was made. The note shows who held it later.",
    },
    Question {
        title: "TCP is one subscriber's, UDP another's",
        story: "A video service reports port 33001 at 19:13:30 without a protocol. grep names whoever stands on the \
                first line: frank.",
        words: &["198.18.1.7:33001", "2026-11-02T19:13:30Z"],
        why: "Both held the port at once, each for one protocol. The answer names the one fact that is missing.",
    },
    Question {
        title: "The same with that fact",
        story: "Asked back, the service says: QUIC, that is UDP. frank is out of it.",
        words: &["198.18.1.7:33001", "2026-11-02T19:13:30Z", "--protocol", "udp"],
        why: "The protocol is part of the key.",
    },
    Question {
        title: "A port in the middle of a block",
        story: "Port 10500 at 18:30:00. The log never shows that number: it has blocks, and a search needs their edges.",
        words: &["198.18.2.30:10500", "2026-11-02T18:30:00Z", "--protocol", "tcp"],
        why: "The block 10240-10751 holds it.",
    },
    Question {
        title: "Between two tenants",
        story: "Port 11000 at 18:41:05. The nearest line is ivan's release a minute earlier, so grep names ivan.",
        words: &["198.18.2.30:11000", "2026-11-02T18:41:05Z", "--protocol", "tcp"],
        why: "Recorded time, and nobody held the block: ivan had given it back, judy got it 55 s later. The margins say \
              how wrong the asker's clock must be to mean one of them.",
    },
    Question {
        title: "Unique, with a margin",
        story: "Port 11300 at 19:14:50, by a clock of unknown quality.",
        words: &["198.18.2.30:11300", "2026-11-02T19:14:50Z", "--protocol", "tcp"],
        why: "kim, if the clock is right. lee's block could begin 28.25 s behind the question: a clock that is further \
              behind means somebody else.",
    },
    Question {
        title: "The same with a tolerance beyond that margin",
        story: "The clock may be off by 30 seconds.",
        words: &[
            "198.18.2.30:11300",
            "2026-11-02T19:14:50Z",
            "--protocol",
            "tcp",
            "--tolerance",
            "30s",
        ],
        why: "30 s is more than the margin that the answer before gave, so lee is a candidate now.",
    },
    Question {
        title: "No port at all",
        story: "An order names an address and a minute. Any tool that answers with one name is guessing.",
        words: &["198.18.2.31", "2026-11-02T18:30:00Z"],
        why: "Everybody who held a block of the address then, with the true count; the port would tell them apart.",
    },
    Question {
        title: "Two tenants of what only one can hold",
        story: "Port 12500 at 19:00:00. The log has two open blocks with it; grep names the last one given, niaj.",
        words: &["198.18.2.31:12500", "2026-11-02T19:00:00Z", "--protocol", "tcp"],
        why: "The pool is declared exclusive, so the log contradicts itself: a fault of the allocator or of the log, \
              and no ground to accuse either.",
    },
    Question {
        title: "MAP-E: no log, only arithmetic",
        story: "Port 38179 of a MAP-E address. There is no log to grep.",
        words: &["198.18.64.77:38179", "2026-11-02T19:05:00Z", "--protocol", "tcp"],
        why: "38179 is 1001 01010010 0011 in bits: offset 9, PSID 82, rest 3. Address and PSID make the prefix, and \
              accounting says who had it.",
    },
    Question {
        title: "A port that the MAP rule gives to nobody",
        story: "Port 2222 of the same address. Dropping the offset from the arithmetic would name a subscriber.",
        words: &["198.18.64.77:2222", "2026-11-02T19:05:00Z", "--protocol", "tcp"],
        why: "With 4 offset bits, ports below 4096 are in no port set: the complaint has a wrong port, or the packet \
              did not come from here.",
    },
    Question {
        title: "A host that nobody can name",
        story: "Port 13000 at 19:00:00. The log names an inside address; no accounting record has it.",
        words: &["198.18.2.31:13000", "2026-11-02T19:00:00Z", "--protocol", "tcp"],
        why: "One host held it, for certain, but whose it was is not in the ledger. The next binding in time is not an \
              answer.",
    },
    Question {
        title: "Deleted, not absent",
        story: "Port 30001 at 12:15:30. Records before 13:00 were deleted; grep finds nothing and says nobody.",
        words: &["198.18.1.7:30001", "2026-11-02T12:15:30Z", "--protocol", "tcp"],
        why: "The ledger remembers that it deleted, so it does not take silence for an answer.",
    },
    Question {
        title: "Not recorded, not absent",
        story: "Port 40213 at 20:30:00, after the last log. grep finds nothing and says nobody.",
        words: &["198.18.1.7:40213", "2026-11-02T20:30:00Z", "--protocol", "tcp"],
        why: "No log of that time was imported.",
    },
    Question {
        title: "Somebody else's address",
        story: "Two digits of the address are swapped.",
        words: &["198.81.1.7:40213", "2026-11-02T18:50:21Z", "--protocol", "tcp"],
        why: "It is in no declared pool, no rule and no record.",
    },
];
