//! In which order requests are taken that wait: connections take turns, and of one connection's the most urgent comes first.
//!
//! HTTP/1 has one request at a time on a connection, so for it the order is that in which they came. A connection of HTTP/2 may
//! bring a hundred at once: its place in the row is one, whatever waits there for it, so that nobody else waits behind them all.
//!
//! ```text
//!   row:    One(a)   Of(3)    One(b)   Of(7)       next is a, then 3's first (and 3 goes to the end), then b
//!                      |                 |
//!   lanes:        (3, urgency 1): p q   (7, urgency 3): s t
//!                 (3, urgency 3): r
//! ```

use std::collections::VecDeque;

/// Something that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) item: T,
    /// When it came, in the clock's milliseconds.
    pub(super) since: u64,
}

/// What others may come beside, on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    pub(super) connection: usize,
    /// From 0, the most urgent, on.
    pub(super) urgency: u8,
}

/// What waits, as it takes turns.
#[derive(Debug)]
pub(super) struct Turns<T> {
    row: VecDeque<Turn<T>>,
    /// In their order. None is empty, and each one's connection has one turn in the row.
    lanes: Vec<(Lane, VecDeque<Waiting<T>>)>,
    /// The room of a lane that has become empty, for the next.
    spare: VecDeque<Waiting<T>>,
    length: usize,
}

#[derive(Debug)]
enum Turn<T> {
    /// Of something that is alone on its connection.
    One(Waiting<T>),
    /// Of a connection's.
    Of(usize),
}

/// Where something waits: at that place of the row, or first in that lane.
#[derive(Clone, Copy)]
enum Place {
    Row(usize),
    Lane(usize),
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Turns { row: VecDeque::new(), lanes: Vec::new(), spare: VecDeque::new(), length: 0 }
    }
}

impl<T> Turns<T> {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds something, which came after all that waits, and is alone on its connection where it names no lane.
    pub(super) fn push(&mut self, lane: Option<Lane>, waiting: Waiting<T>) {
        self.length += 1;
        let Some(lane) = lane else { return self.row.push_back(Turn::One(waiting)) };
        if self.first_of(lane.connection).is_none() {
            self.row.push_back(Turn::Of(lane.connection));
        }
        let at = self.lane(lane);
        self.lanes[at].1.push_back(waiting);
    }

    /// Takes what comes next.
    pub(super) fn pop(&mut self) -> Option<Waiting<T>> {
        let connection = match self.row.pop_front()? {
            Turn::One(waiting) => {
                self.length -= 1;
                return Some(waiting);
            }
            Turn::Of(connection) => connection,
        };
        let first = self.first_of(connection)?;
        let next = self.take_from(first, VecDeque::pop_front);
        if self.first_of(connection).is_some() {
            self.row.push_back(Turn::Of(connection));
        }
        next
    }

    /// When that came which has waited for longest.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.find_oldest().map(|(since, _)| since)
    }

    /// Takes what has waited for longest, if it came at `time` or before.
    pub(super) fn pop_older(&mut self, time: u64) -> Option<Waiting<T>> {
        let (_, place) = self.find_oldest().filter(|&(since, _)| since <= time)?;
        match place {
            Place::Row(at) => match self.row.remove(at) {
                Some(Turn::One(waiting)) => {
                    self.length -= 1;
                    Some(waiting)
                }
                _ => None,
            },
            Place::Lane(at) => {
                let taken = self.take_from(at, VecDeque::pop_front);
                self.forget_empty();
                taken
            }
        }
    }

    /// What came first of those that are alone, and of each lane, stands before all others of these.
    fn find_oldest(&self) -> Option<(u64, Place)> {
        let alone = self.row.iter().enumerate().find_map(|(at, turn)| match turn {
            Turn::One(waiting) => Some((waiting.since, Place::Row(at))),
            Turn::Of(_) => None,
        });
        let lanes = self.lanes.iter().enumerate();
        let first = lanes.filter_map(|(at, (_, waiting))| Some((waiting.front()?.since, Place::Lane(at))));
        alone.into_iter().chain(first).min_by_key(|&(since, _)| since)
    }

    /// Takes the last, and least urgent, of the connection that has most waiting, if that is more than one more than `lane`'s
    /// connection has: so that this may have its place.
    pub(super) fn make_room_for(&mut self, lane: Option<Lane>) -> Option<T> {
        let (mut most, mut own, mut longest, mut from) = (0, 0, None, 0);
        for lanes in self.lanes.chunk_by(|(one, _), (other, _)| one.connection == other.connection) {
            let there = lanes.iter().map(|(_, waiting)| waiting.len()).sum();
            from += lanes.len();
            if lane.is_some_and(|lane| lane.connection == lanes[0].0.connection) {
                own = there;
            }
            if there > most {
                (most, longest) = (there, Some(from - 1));
            }
        }
        if most <= own + 1 {
            return None;
        }
        self.take_from(longest?, VecDeque::pop_back).map(|waiting| waiting.item)
    }

    /// Takes all out that nobody waits for any more.
    pub(super) fn keep(&mut self, is_awaited: impl Fn(&T) -> bool) {
        self.row.retain(|turn| match turn {
            Turn::One(waiting) => is_awaited(&waiting.item),
            Turn::Of(_) => true,
        });
        self.lanes.retain_mut(|(_, waiting)| {
            waiting.retain(|waiting| is_awaited(&waiting.item));
            !waiting.is_empty()
        });
        self.forget_empty();
        let alone = self.row.iter().filter(|turn| matches!(turn, Turn::One(_))).count();
        self.length = alone + self.lanes.iter().map(|(_, waiting)| waiting.len()).sum::<usize>();
    }

    /// Puts those that belong in another lane of their connection now into that, behind what came before them.
    pub(super) fn reorder(&mut self, lane_of: impl Fn(&T) -> Option<Lane>) {
        let mut moved = Vec::new();
        for (lane, waiting) in &mut self.lanes {
            let mut at = 0;
            while at < waiting.len() {
                let now = lane_of(&waiting[at].item).filter(|now| now.connection == lane.connection && now != lane);
                match now {
                    Some(now) => moved.extend(waiting.remove(at).map(|one| (now, one))),
                    None => at += 1,
                }
            }
        }
        for (lane, one) in moved {
            let at = self.lane(lane);
            let waiting = &mut self.lanes[at].1;
            let place = waiting.partition_point(|other| other.since <= one.since);
            waiting.insert(place, one);
        }
        self.lanes.retain(|(_, waiting)| !waiting.is_empty());
    }

    /// All that waits, that which has waited for longest first.
    pub(super) fn by_age(&self) -> Vec<&Waiting<T>> {
        let alone = self.row.iter().filter_map(|turn| match turn {
            Turn::One(waiting) => Some(waiting),
            Turn::Of(_) => None,
        });
        let mut all: Vec<_> = alone.chain(self.lanes.iter().flat_map(|(_, waiting)| waiting)).collect();
        all.sort_by_key(|waiting| waiting.since);
        all
    }

    /// Where a lane is, which is there from now on.
    fn lane(&mut self, lane: Lane) -> usize {
        let at = self.lanes.binary_search_by_key(&lane, |&(other, _)| other);
        at.unwrap_or_else(|at| {
            self.lanes.insert(at, (lane, std::mem::take(&mut self.spare)));
            at
        })
    }

    /// The lane of a connection's most urgent.
    fn first_of(&self, connection: usize) -> Option<usize> {
        let at = self.lanes.partition_point(|(lane, _)| lane.connection < connection);
        self.lanes.get(at).filter(|(lane, _)| lane.connection == connection).map(|_| at)
    }

    fn take_from(
        &mut self,
        at: usize,
        take: impl FnOnce(&mut VecDeque<Waiting<T>>) -> Option<Waiting<T>>,
    ) -> Option<Waiting<T>> {
        let waiting = &mut self.lanes.get_mut(at)?.1;
        let taken = take(waiting);
        if waiting.is_empty() {
            self.spare = self.lanes.remove(at).1;
        }
        self.length -= usize::from(taken.is_some());
        taken
    }

    /// A connection that has nothing waiting has no turn.
    fn forget_empty(&mut self) {
        let mut row = std::mem::take(&mut self.row);
        row.retain(|turn| match turn {
            Turn::One(_) => true,
            &Turn::Of(connection) => self.first_of(connection).is_some(),
        });
        self.row = row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(connection: usize, urgency: u8) -> Option<Lane> {
        Some(Lane { connection, urgency })
    }

    fn turns(all: &[(&'static str, Option<Lane>)]) -> Turns<&'static str> {
        let mut turns = Turns::default();
        for (since, &(item, lane)) in all.iter().enumerate() {
            turns.push(lane, Waiting { item, since: since as u64 });
        }
        turns
    }

    fn order(turns: &mut Turns<&'static str>) -> String {
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).map(|waiting| waiting.item).collect();
        assert_eq!((turns.len(), turns.row.len(), turns.lanes.len()), (0, 0, 0));
        order.join(" ")
    }

    #[test]
    fn those_that_are_alone_come_as_they_came() {
        assert_eq!(order(&mut turns(&[("a", None), ("b", None), ("c", None)])), "a b c");
    }

    #[test]
    fn nobody_waits_behind_all_of_another_connection() {
        let mut turns = turns(&[
            ("3a", lane(3, 3)),
            ("3b", lane(3, 3)),
            ("3c", lane(3, 3)),
            ("x", None),
            ("7a", lane(7, 3)),
            ("7b", lane(7, 3)),
            ("y", None),
        ]);
        assert_eq!(order(&mut turns), "3a x 7a y 3b 7b 3c");
    }

    #[test]
    fn the_most_urgent_of_a_connection_comes_first_and_before_no_other_connections() {
        let mut turns =
            turns(&[("late", lane(3, 7)), ("x", None), ("now", lane(3, 0)), ("soon", lane(3, 2)), ("y", lane(7, 7))]);
        assert_eq!(order(&mut turns), "now x y soon late");
    }

    #[test]
    fn those_that_have_waited_for_longest_are_found_wherever_they_are() {
        let mut turns = turns(&[
            ("0", lane(3, 7)),
            ("1", lane(3, 0)),
            ("2", None),
            ("3", lane(7, 3)),
            ("4", None),
            ("5", lane(3, 0)),
        ]);
        let late: Vec<_> = std::iter::from_fn(|| turns.pop_older(3)).map(|waiting| waiting.item).collect();
        assert_eq!((late.join(" "), turns.oldest(), turns.len()), ("0 1 2 3".to_owned(), Some(4), 2));
        assert_eq!(order(&mut turns), "5 4");
    }

    #[test]
    fn one_that_is_wanted_sooner_or_later_than_it_was_comes_behind_those_before_it() {
        let all = [
            ("a", lane(3, 3)),
            ("b", lane(3, 3)),
            ("c", lane(3, 1)),
            ("x", None),
            ("d", lane(3, 3)),
            ("7", lane(7, 3)),
        ];
        let mut turns = turns(&all);
        let was = |item: &&str| all.iter().find(|(other, _)| other == item).unwrap().1;
        turns.reorder(was);
        turns.reorder(|item| match *item {
            "b" => lane(3, 1),
            "c" => lane(3, 7),
            "d" => lane(3, 0),
            _ => was(item),
        });
        assert_eq!((turns.len(), turns.oldest()), (6, Some(0)));
        turns.reorder(|item| if *item == "b" { lane(3, 3) } else { was(item).map(|of| Lane { urgency: 3, ..of }) });
        assert_eq!(order(&mut turns), "a x 7 b c d");
    }

    #[test]
    fn room_is_made_where_most_is() {
        let mut turns =
            turns(&[("0", lane(3, 3)), ("1", lane(3, 3)), ("2", lane(3, 1)), ("3", lane(7, 3)), ("4", None)]);
        assert_eq!(turns.make_room_for(lane(3, 0)), None, "it has most itself");
        assert_eq!(turns.make_room_for(None), Some("1"), "the last of the least urgent");
        assert_eq!(turns.make_room_for(lane(7, 3)), None, "then it would have as much as who gives");
        assert_eq!(turns.make_room_for(lane(8, 3)), Some("0"));
        assert_eq!(turns.make_room_for(None), None);
        assert_eq!(order(&mut turns), "2 3 4");
    }

    #[test]
    fn what_nobody_waits_for_leaves_no_turn() {
        let mut turns = turns(&[("a", lane(3, 3)), ("b", None), ("c", lane(7, 3)), ("d", lane(7, 1)), ("e", None)]);
        turns.keep(|item| "cde".contains(item));
        assert_eq!((turns.len(), turns.row.len()), (3, 2));
        assert_eq!(turns.by_age().iter().map(|waiting| waiting.item).collect::<String>(), "cde");
        turns.push(lane(3, 3), Waiting { item: "f", since: 9 });
        assert_eq!(order(&mut turns), "d e f c");
    }
}
