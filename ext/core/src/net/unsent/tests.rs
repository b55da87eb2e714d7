use std::io::Read;
use std::os::unix::net::UnixStream;

use super::*;

use crate::budget::Budget;
use crate::net::socket::Socket;
use crate::net::transport::Transport;
use crate::spool_file::Closer;

fn spools() -> Spools {
    Spools::new(std::env::temp_dir(), None, Budget::new(100), Closer::at_once())
}

fn write(unsent: &mut Unsent, socket: &Socket, most: u64) -> io::Result<Flushed> {
    unsent.write_to(&mut Wire { transport: &mut Transport::default(), socket }, most)
}

fn pair() -> (Socket, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (Socket::Unix(mio::net::UnixStream::from_std(near)), far)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, bytes).unwrap();
    file
}

/// All that the far end gets, when no more than `most` bytes are given to the socket at once.
fn sent(mut unsent: Unsent, most: u64) -> Vec<u8> {
    let (near, mut far) = pair();
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        got
    });
    loop {
        let before = unsent.len();
        let flushed = write(&mut unsent, &near, most).unwrap();
        assert!(before - unsent.len() <= most);
        match flushed {
            Flushed::All => break,
            Flushed::Blocked => std::thread::yield_now(),
            Flushed::Some => assert_eq!(before - unsent.len(), most),
        }
    }
    assert!(unsent.is_empty() && unsent.own() == 0 && unsent.files == 0 && unsent.overflow.is_none());
    drop(near);
    reader.join().unwrap()
}

#[test]
fn sends_pieces_of_all_kinds_in_their_order() {
    let kept = Kept::new(0);
    let big = pattern(3_000_000);
    let lent = |is_common| Piece::Lent(Lent { bytes: Bytes::from(big.clone()), is_common });
    let mut unsent = Unsent::of(b"first", &kept);
    unsent.push(Piece::Bytes(Bytes::from(big.clone())), &kept);
    unsent.push(Piece::Bytes(Bytes::new()), &kept);
    unsent.push(Piece::File { file: file(&big), at: 5, end: 3_000_000, share: None }, &kept);
    unsent.push(Piece::File { file: file(b""), at: 0, end: 0, share: None }, &kept);
    unsent.push(lent(true), &kept);
    unsent.push(lent(false), &kept);
    unsent.copy(b"la", &kept);
    unsent.copy(b"st", &kept);
    let expected = [b"first", &big[..], &big[5..], &big, &big, b"last"].concat();
    assert_eq!((unsent.len(), unsent.own()), (expected.len() as u64, 6_000_009));
    assert_eq!(kept.bytes(), 3_000_009, "what is lent is counted by its lender");
    assert!(sent(unsent, 100_000) == expected);
    assert_eq!(kept.bytes(), 0);
}

#[test]
fn many_small_strings_lie_together_and_are_given_back_as_they_are_sent() {
    let kept = Kept::new(0);
    let big = pattern(1_000_000);
    let mut unsent = Unsent::default();
    big.chunks(1_000).for_each(|small| unsent.copy(small, &kept));
    assert_eq!(kept.bytes(), 1_000_000);
    assert!(unsent.pieces.len() < 10, "{}", unsent.pieces.len());
    let (near, mut far) = pair();
    let mut got = vec![0; 1_000_000];
    let mut at = 0;
    while at < 500_000 {
        write(&mut unsent, &near, 10_000).unwrap();
        at += far.read(&mut got[at..]).unwrap();
    }
    assert!(kept.bytes() <= 500_000 + 2 * BLOCK as u64, "{}", kept.bytes());
    drop(unsent);
    assert_eq!(kept.bytes(), 0);
}

#[test]
fn what_is_spilled_lies_in_one_file_and_is_sent_in_its_order() {
    let (kept, spools) = (Kept::new(0), spools());
    let big = pattern(400_000);
    let lent = |is_common| Piece::Lent(Lent { bytes: Bytes::from(big.clone()), is_common });
    let mut unsent = Unsent::of(b"head", &kept);
    let mut expected = b"head".to_vec();
    for round in 0..5 {
        big.chunks(7_000).for_each(|small| unsent.copy(small, &kept));
        unsent.push(lent(round % 2 == 0), &kept);
        unsent.push(Piece::Bytes(Bytes::from(big.clone())), &kept);
        expected.extend([&big[..], &big, &big].concat());
        unsent.spill(&spools, None).unwrap();
        assert_eq!((unsent.own(), kept.bytes()), (0, 0));
    }
    // What is held for others stays in memory: three pieces, between four parts of one file.
    assert_eq!((unsent.pieces.len(), unsent.files), (7, 4));
    assert!(unsent.pieces.iter().all(|row| match row {
        Row::File { source: Source::Spooled(file), .. } => {
            Arc::ptr_eq(file, &unsent.overflow.as_ref().unwrap().file())
        }
        Row::File { source: Source::App(..), .. } => false,
        Row::Bytes { is_common, .. } => *is_common,
    }));
    unsent.copy(b"tail", &kept);
    expected.extend(b"tail");
    assert!(sent(unsent, 300_000) == expected);
    assert_eq!(spools.used(), 0);
}

#[test]
fn what_was_added_meanwhile_comes_after_it() {
    let kept = Kept::new(0);
    let mut unsent = Unsent::of(b"one ", &kept);
    let mut next = Unsent::of(b"two ", &kept);
    next.push(Piece::File { file: file(b"three "), at: 0, end: 6, share: None }, &kept);
    next.copy(b"four", &kept);
    unsent.append(next);
    assert_eq!((unsent.len(), unsent.own(), unsent.is_long()), (18, 12, true));
    assert_eq!(sent(unsent, 3), b"one two three four");
    assert_eq!(kept.bytes(), 0);
}

#[test]
fn a_disk_without_room_is_an_error_that_loses_nothing() {
    let (kept, spools) = (Kept::new(0), spools());
    let big = pattern(10_000);
    let mut unsent = Unsent::of(&big, &kept);
    unsent.push(Piece::Bytes(Bytes::from(big.clone())), &kept);
    for _ in 0..2 {
        assert!(
            unsent
                .spill(&Spools::new("/nowhere/at/all".into(), None, Budget::new(100), Closer::at_once()), None)
                .is_err()
        );
        assert_eq!((unsent.len(), unsent.own(), kept.bytes()), (20_000, 20_000, 20_000));
    }
    unsent.spill(&spools, None).unwrap();
    assert_eq!(kept.bytes(), 0);
    assert!(sent(unsent, 7_000) == [&big[..], &big].concat());
}

#[test]
fn a_file_that_has_become_shorter_is_an_error() {
    let kept = Kept::new(0);
    let (near, _far) = pair();
    let mut unsent = Unsent::default();
    unsent.push(Piece::File { file: file(b"short"), at: 0, end: 6, share: None }, &kept);
    assert_eq!(write(&mut unsent, &near, 100).unwrap_err().kind(), io::ErrorKind::WriteZero);
}
