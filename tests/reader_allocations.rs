//! Reading a log allocates nothing for a line once its buffers have grown: counted by this program's own allocator.
#![cfg(feature = "readers")]

#[path = "common/counting.rs"]
mod counting;

use std::io::Read;

use counting::calls;
use portledger::natlog::{Event, Format, Reader, ReaderOptions};

/// Records of a format without names in them: what a record calls a subscriber or pool is kept as a text.
fn sample(format: Format) -> Option<&'static str> {
    Some(match format.name() {
        "conntrack" => concat!(
            "[1795306735.123403]\t    [NEW] tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 zone=7 id=2028815706\n",
            "[1795306739.123403]\t[DESTROY] tcp      6 TIME_WAIT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 [ASSURED] [start=Sun Nov 22 00:18:55 2026] [stop=Sun Nov 22 00:18:58 2026] zone=7 id=2028815706\n",
        ),
        "conntrack-xml" => concat!(
            r#"<flow type="destroy"><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>100.64.0.10</src><dst>192.0.2.10</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>53586</sport><dport>80</dport></layer4></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>192.0.2.10</src><dst>203.0.113.1</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>80</sport><dport>20017</dport></layer4></meta><meta direction="independent"><state>TIME_WAIT</state><id>7</id><zone>5</zone><assured/><timestamp><start>1795306735123456789</start><stop>1795306738999999999</stop></timestamp><deltatime>3</deltatime></meta><when><hour>0</hour><min>18</min><sec>59</sec><wday>1</wday><day>22</day><month>11</month><year>2026</year></when></flow>"#,
            "\n",
        ),
        "csv" => "2026-11-02T00:00:00Z,100.64.0.10,203.0.113.7,1024,2047\n",
        "nfdump-json" => concat!(
            "{\n\t\"proto\" : 6,\n\t\"src_port\" : 53586,\n\t\"dst_port\" : 80,\n\t\"src4_addr\" : \"100.64.0.10\",\n\t\"src4_xlt_ip\" : \"203.0.113.1\",\n",
            "\t\"dst4_xlt_ip\" : \"192.0.2.10\",\n\t\"src_xlt_port\" : \"20017\",\n\t\"dst_xlt_port\" : \"80\",\n\t\"nat_event_id\" : \"4\",\n\t\"ingress_vrf\" : \"7\",\n\t\"t_event\" : \"2026-11-22T00:18:55.86\"\n},\n",
        ),
        "radius-nat" => concat!(
            "Sun Nov 22 00:18:59 2026\n\tAcct-Status-Type = Start\n\tFramed-IP-Address = 100.64.0.10\n\tAlc-Serv-Id = 100\n",
            "\tAlc-Nat-Port-Range = \"203.0.113.7 1024-1535 router base\"\n\tEvent-Timestamp = \"Nov 22 2026 00:18:59 UTC\"\n\tTimestamp = 1795306741\n\n",
        ),
        "ulogd" => concat!(
            "[DESTROY] ORIG: SRC=100.64.0.10 DST=192.0.2.10 PROTO=TCP SPT=53586 DPT=80 PKTS=5 BYTES=336 , REPLY: SRC=192.0.2.10 DST=203.0.113.1 PROTO=TCP SPT=80 DPT=20017 PKTS=3 BYTES=314 \n",
            "timestamp=2026/11/22-00:19:04,orig.ip.saddr=100.64.0.10,orig.ip.daddr=192.0.2.10,orig.ip.protocol=6,orig.l4.sport=53586,orig.l4.dport=80,reply.ip.saddr=192.0.2.10,reply.ip.daddr=203.0.113.1,reply.ip.protocol=6,reply.l4.sport=80,reply.l4.dport=20017,ct.id=7,ct.event=4,flow.start.sec=1795306735,flow.start.usec=123282,flow.end.sec=1795306735,flow.end.usec=658908\n",
        ),
        "ulogd-json" => concat!(
            r#"{"timestamp": "2026-11-22T00:19:04", "dvc": "nat-7", "orig.ip.protocol": 6, "orig.l4.sport": 53586, "orig.l4.dport": 80, "reply.ip.protocol": 6, "reply.l4.sport": 80, "reply.l4.dport": 20017, "ct.id": 7, "ct.event": 4, "flow.start.sec": 1795306735, "flow.start.usec": 123282, "flow.end.sec": 1795306735, "flow.end.usec": 658908, "src_ip": "100.64.0.10", "dest_ip": "192.0.2.10", "reply.ip.saddr.str": "192.0.2.10", "reply.ip.daddr.str": "203.0.113.1"}"#,
            "\n",
        ),
        "nfware" => {
            "2026-05-01T10:00:00Z nat nfware: A VRF 7 6 INT 100.64.0.10:53586 EXT 203.0.113.1:20017 DST 192.0.2.10:80 DIR OUT\n"
        }
        "f5" => {
            "2026-05-01T10:00:00Z lsn LSN_ADD 100.64.0.10%3:40000 6 203.0.113.1%3:23456 198.51.100.20 443\n"
        }
        "syslog-nat" => {
            "<134>1 2026-05-01T10:00:00.000Z nat NAT - SADD [nsess SSUBIX=\"0\" IATYP=\"IPv4\" ISADDR=\"100.64.0.10\" ISPORT=\"40000\" XATYP=\"IPv4\" XSADDR=\"203.0.113.1\" XSPORT=\"1025\" PROTO=\"6\" XDADDR=\"192.0.2.9\" XDPORT=\"443\"]\n"
        }
        "juniper" => {
            "<14>1 2026-05-01T10:00:00.000Z srx RT_FLOW - RT_FLOW_SESSION_CREATE [junos@2636.1.1.1.2.129 source-address=\"100.64.0.10\" source-port=\"46776\" destination-address=\"192.0.2.10\" destination-port=\"80\" nat-source-address=\"203.0.113.1\" nat-source-port=\"53328\" nat-destination-address=\"192.0.2.10\" nat-destination-port=\"80\" protocol-id=\"6\" session-id-32=\"92317\"]\n"
        }
        "cisco-asa" => {
            "<166>2026-05-01T10:00:00Z asa : %ASA-6-305011: Built dynamic TCP translation from inside:100.64.0.10/4000 to outside:203.0.113.1/20017\n"
        }
        "cisco-xr" => {
            "1 2026 May 1 10:00:00 10.0.0.1 - - NAT44 - [UserbasedA - 100.64.0.10 blue - 203.0.113.1 - 1024 1535]\n"
        }
        "mikrotik" => {
            "2026-05-01T10:00:00Z gw srcnat: in:ether1 out:ether2, proto UDP, 100.64.0.10:51258->192.0.2.1:53, NAT (100.64.0.10:51258->203.0.113.1:20017)->192.0.2.1:53, len 73\n"
        }
        // The numbers of `ndjson` become texts on the way; others have no steady state here.
        _ => return None,
    })
}

/// The header that a format begins with.
fn header(format: Format) -> &'static str {
    if format.name() == "csv" { "start,inside,outside,first,last\n" } else { "" }
}

#[test]
fn a_line_costs_no_allocation_once_the_buffers_have_grown() {
    // More than the reader asks of its source at once.
    const WARM: usize = 1200;
    const MEASURED: usize = 400;
    for &format in Format::ALL {
        let Some(records) = sample(format) else { continue };
        let text = records.repeat(WARM + MEASURED);
        let source = header(format).as_bytes().chain(text.as_bytes());
        let options = ReaderOptions::new().with_zone(portledger::time::Zone::UTC).with_year(2026);
        let mut reader = Reader::new(format, options, source);
        let mut event = Event::default();
        for _ in 0..WARM {
            assert!(reader.read_event(&mut event).unwrap(), "{format}: no event");
        }
        let made = calls(|| {
            for _ in 0..MEASURED {
                assert!(reader.read_event(&mut event).unwrap(), "{format}: no event");
            }
        });
        assert_eq!(made, 0, "{format} allocates");
        assert_eq!(reader.skipped().damaged(), 0, "{format}: {:?}", reader.skipped());
    }
}
