//! VAS Experts Stingray (SCAT): the text files of its NAT translations.
//!
//! ```text
//! 1795306735:12345:1:user7:6:100.64.0.7:50001:203.0.113.9:20001:198.51.100.4:443
//! |          |     | |     | |                |                 |
//! Unix time  |     | login | inside           public            far side
//!            |     |       protocol
//!            |     1 created, 2 deleted
//!            session
//! ```
//!
//! Tabs, semicolons, bars or commas may part the fields as well: the setting says their order only. The order is that of
//! `ajb_save_nat_format`; another one is read with [`ReaderOptions::with_template`], which takes the
//! value of that setting as it stands. A session number joins a translation to other logs of the box and comes again.
//!
//! [`ReaderOptions::with_template`]: super::ReaderOptions::with_template

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::template::Template;
use super::values::{self, Frame, Refusal, placed};
use super::{Event, RejectReason, syslog};
use crate::time::Zone;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "vasexperts",
    title: "VAS Experts Stingray, NAT text files",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: false,
        destination: true,
        login: true,
    },
    time_basis: "the NAT's clock, Unix time (1 s)",
    source: "wiki.vasexperts.ru, `cgnat_log_txt`",
    cut: Cut::Lines,
    parser: |options| Box::new(VasExpertsParser::new(&options)),
};

/// A parser of Stingray's text files.
#[derive(Debug)]
pub struct VasExpertsParser {
    frame: Frame,
    zone: Option<Zone>,
    template: Option<Template>,
    /// The same order with other marks between the fields.
    others: Vec<(u8, Template)>,
    /// How many marks a line has between its fields.
    marks: usize,
}

impl VasExpertsParser {
    /// A parser with the zone, realm and template of the options.
    pub fn new(options: &ReaderOptions) -> VasExpertsParser {
        let template = options.template().cloned().or_else(Template::vas_experts);
        let text = template.as_ref().map(ToString::to_string).unwrap_or_default();
        let is_setting = text.contains(':') && !text.contains('%');
        let other = |mark: u8| {
            let text = text.replace(':', char::from(mark).encode_utf8(&mut [0; 4]));
            text.parse().ok().filter(|_| is_setting).map(|template| (mark, template))
        };
        VasExpertsParser {
            frame: Frame::new(options),
            zone: options.zone().cloned(),
            template,
            others: [b'\t', b';', b'|', b','].into_iter().filter_map(other).collect(),
            marks: text.matches(':').count(),
        }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        let Some(template) = &self.template else { return Err((RejectReason::NoEvent, line)) };
        let marks = |mark: u8| head.body.split(|b| *b == mark).count() - 1;
        let is_setting = |mark: u8| marks(mark) == self.marks && marks(b':') < self.marks;
        let other = self.others.iter().find(|(mark, _)| is_setting(*mark));
        let template = other.map_or(template, |(_, template)| template);
        let Frame { realms, .. } = &mut self.frame;
        let is_whole = template.fill(head.body, None, self.zone.as_ref(), realms, event)?;
        self.frame.is_whole = is_whole;
        match event.time {
            Some(time) => event.header_time = head.time_beside(&mut self.frame.clock, time),
            None => values::stamp(event, &head, line)?,
        }
        Ok(())
    }
}

impl LineParser for VasExpertsParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = false;
        self.parse(line, event).map_err(|refusal| placed(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.frame.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};
    use crate::natlog::{EventKind, Format};

    const LINE: &str =
        "1793588645:12345:1:user7:6:100.64.0.7:50001:203.0.113.9:20001:198.51.100.4:50443";

    #[test]
    fn the_documented_order_is_read() {
        let event = one(Format::VasExperts, ReaderOptions::new(), LINE);
        assert_eq!((event.kind, event.flow_id), (EventKind::SessionCreate, Some(12345)));
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!((event.login.as_deref(), event.inside_port), (Some("user7"), Some(50001)));
        assert_eq!(event.destination.unwrap().to_string(), "198.51.100.4:50443");
        let end = LINE.replace(":1:user7", ":2:");
        let end = one(Format::VasExperts, ReaderOptions::new(), &end);
        assert_eq!((end.kind, end.login), (EventKind::SessionDelete, None));
    }

    #[test]
    fn another_order_is_read_by_its_setting() {
        let order = "event;ts;ipsrcpostnat;portsrcpostnat;proto;ipsrc;portsrc;bytes";
        let options = ReaderOptions::new().with_template(order.parse().unwrap());
        let line = "2;1793588645;203.0.113.9;20001;17;100.64.0.7;50001;77";
        let event = one(Format::VasExperts, options, line);
        assert_eq!((event.kind, event.destination), (EventKind::PortDelete, None));
        assert_eq!(event.inside.unwrap().to_string(), "100.64.0.7");
    }

    #[test]
    fn the_setting_says_the_order_and_not_the_mark() {
        let colons = one(Format::VasExperts, ReaderOptions::new(), LINE);
        for mark in ["\t", ";", "|", ","] {
            let line = LINE.replace(':', mark);
            assert_eq!(one(Format::VasExperts, ReaderOptions::new(), &line), colons, "{mark}");
            prefixes_are_safe(Format::VasExperts, &ReaderOptions::new(), &line);
        }
        let order = "event:ts:ipsrcpostnat:portsrcpostnat:proto:ipsrc:portsrc";
        let options = ReaderOptions::new().with_template(order.parse().unwrap());
        let line = "2\t1793588645\t203.0.113.9\t20001\t17\t100.64.0.7\t50001";
        assert_eq!(one(Format::VasExperts, options, line).kind, EventKind::PortDelete);
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::VasExperts, ReaderOptions::new(), line);
        assert_eq!(refused(&LINE.replace(":50443", "")), ("field-count", 75));
        assert_eq!(refused(&LINE.replace("user7", "us:er7")).0, "bad-address");
        assert_eq!(refused(&LINE.replace(":1:user7", ":3:user7")).0, "other-event");
        assert_eq!(refused(&LINE.replace(":1:user7", ":9:user7")), ("unknown-event", 18));
        assert_eq!(refused(&LINE.replace("1793588645", "yesterday")), ("bad-time", 1));
        assert_eq!(refused(&LINE.replace("20001", "200001")).0, "bad-port");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        prefixes_are_safe(Format::VasExperts, &ReaderOptions::new(), LINE);
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::VasExperts, &[LINE]);
    }
}
