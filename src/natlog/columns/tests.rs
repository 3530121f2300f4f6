use super::*;
use crate::natlog::{Event, EventKind, Format, Reader, ReaderOptions, Record};

fn read(map: &str, format: Format, text: &str) -> Vec<Result<Event, (RejectReason, u32)>> {
    let options = ReaderOptions::new().with_columns(map.parse().unwrap());
    let mut reader = Reader::new(format, options, text.as_bytes());
    let mut event = Event::default();
    let mut out = Vec::new();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        out.push(match record {
            Record::Event => Ok(event.clone()),
            Record::Rejected(reject) => Err((reject.reason, reject.column)),
        });
    }
    out
}

#[test]
fn a_map_is_written_as_it_is_read() {
    for text in [
        "delimiter(),src=inside,ts:ms=time,x=-,event(add)=session_create,event(x)=-,proto:=udp",
        "delimiter(tab),#1=inside,#2:ns=start,#3=-",
        "delimiter(;),a b=outside",
    ] {
        assert_eq!(text.parse::<ColumnMap>().unwrap().to_string(), text);
    }
    let same: ColumnMap = "\n -=extra \n src = inside\n".parse().unwrap();
    assert_eq!(same.to_string(), "delimiter(),extra=-,src=inside");
}

#[test]
fn what_is_no_map_says_why() {
    use ParseColumnMapError as E;
    let s = ToOwned::to_owned;
    for (text, error) in [
        ("src", E::Item(s("src"))),
        ("=inside", E::Item(s("=inside"))),
        ("src=host", E::Key(s("host"))),
        ("host:=x", E::Key(s("host"))),
        ("ts:h=time", E::Form(s("ts:h=time"))),
        ("src:ms=inside", E::Form(s("src:ms=inside"))),
        ("a=inside,b=inside", E::Twice(s("b=inside"))),
        ("a=inside,a=-", E::Twice(s("a=-"))),
        ("a=proto,proto:=6", E::Twice(s("proto"))),
        ("#1=inside,b=outside", E::Place(s("b"))),
        ("#1=inside,#3=outside", E::Place(s("#3"))),
        ("#0=inside", E::Place(s("#0=inside"))),
        ("delimiter(ab)", E::Delimiter(s("ab"))),
        ("delimiter(\")", E::Delimiter(s("\""))),
    ] {
        assert_eq!(text.parse::<ColumnMap>(), Err(error), "{text}");
    }
}

const MAP: &str = "src=inside,xlate=outside,xport=port,ts:ms=time,what=event,note=-,event(+)=session_create,event(-)=session_delete,event(hello)=-,proto:=udp";

#[test]
fn columns_values_and_times_are_translated() {
    let text = "ts,what,src,xlate,xport,note\n1795306735123,+,100.64.0.10,203.0.113.7,20017,\"a,b\"\n1795306735124,hello,,,,\n5,x,,,,\n";
    let read = read(MAP, Format::Csv, text);
    assert_eq!(read[0], Err((RejectReason::Header, 1)));
    let event = read[1].as_ref().unwrap();
    assert_eq!(event.kind, EventKind::SessionCreate);
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:55.123Z");
    assert_eq!(event.protocol.unwrap().to_string(), "udp");
    assert_eq!(event.ports.unwrap().first(), 20_017);
    assert_eq!(read[2], Err((RejectReason::OtherEvent, 15)));
    assert_eq!(read[3], Err((RejectReason::UnknownEvent, 3)));
}

#[test]
fn objects_are_translated_like_rows() {
    let text = r#"{"ts":1795306735123,"what":"+","src":"100.64.0.10","xlate":"203.0.113.7","xport":20017,"note":[1]}
{"ts":1795306735123,"what":"+","source":"100.64.0.10"}
{"ts":1795306735123,"what":"hello"}"#;
    let read = read(MAP, Format::Ndjson, text);
    let event = read[0].as_ref().unwrap();
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:55.123Z");
    assert_eq!((event.kind, event.protocol.is_some()), (EventKind::SessionCreate, true));
    assert_eq!(read[1].as_ref().unwrap_err().0, RejectReason::UnknownColumn);
    assert_eq!(read[2].as_ref().unwrap_err().0, RejectReason::OtherEvent);
}

#[test]
fn a_column_that_nobody_declared_refuses_the_file_and_so_does_one_that_is_missing() {
    let extra = read(MAP, Format::Csv, "ts,what,src,xlate,xport,note,extra\n1,+,,,,,\n");
    assert_eq!(extra[0], Err((RejectReason::UnknownColumn, 30)));
    assert_eq!(extra[1], Err((RejectReason::UnknownColumn, 1)));
    let missing = read(MAP, Format::Csv, "ts,what,src,xlate,xport\n1,+,,,\n");
    assert_eq!(missing[0].as_ref().unwrap_err().0, RejectReason::MissingField);
    assert_eq!(missing[1].as_ref().unwrap_err().0, RejectReason::MissingField);
}

#[test]
fn files_without_header_go_by_place() {
    let map = "#1:s=start,#2:s=end,#3=outside,#4=first,#5=last,#6=inside,delimiter(tab)";
    let text = "1795306735.5\t1795306739\t203.0.113.7\t1024\t2047\t100.64.0.10\n1\t2\n";
    let read = read(map, Format::Csv, text);
    let event = read[0].as_ref().unwrap();
    assert_eq!(event.kind, EventKind::Allocation);
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:55.5Z");
    assert_eq!(read[1].as_ref().unwrap_err().0, RejectReason::FieldCount);
}

#[test]
fn quotes_go_with_the_delimiter() {
    let map = "a=inside,b=outside,c=login,t=start,delimiter(;)";
    let text = "a;b;c;t\n100.64.0.10;203.0.113.7;\"x;\ny\";@5\n100.64.0.10;203.0.113.7;x,y;@5\n";
    let read = read(map, Format::Csv, text);
    assert_eq!(read[1].as_ref().unwrap().login.as_deref(), Some("x;\ny"));
    assert_eq!(read[2].as_ref().unwrap().login.as_deref(), Some("x,y"));
}

#[test]
fn units_below_the_second_keep_their_digits() {
    for (text, digits, written) in [
        ("5", 0, "@5"),
        ("5.25", 0, "@5.25"),
        ("5", 3, "@0.005"),
        ("1795306735123", 3, "@1795306735.123"),
        ("1795306735123456", 6, "@1795306735.123456"),
        ("1795306735123456789", 9, "@1795306735.123456789"),
    ] {
        let mut out = String::new();
        assert_eq!(epoch(text, digits, &mut out).map(|()| out), Ok(written.to_owned()));
    }
    for (text, digits) in [("", 0), ("-5", 0), ("5.5", 3), ("5.", 0), ("x", 3)] {
        assert_eq!(epoch(text, digits, &mut String::new()), Err(RejectReason::BadTime));
    }
}
