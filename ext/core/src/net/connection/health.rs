//! The path at which the engine itself says whether it is ready: whoever polls answers, whatever the workers are at.

use super::life::{After, Connection, Life};
use crate::http::encode;
use crate::http::plan::Asked;
use crate::http::{date, target};
use crate::net::unsent::Unsent;

impl Connection {
    /// Whether the request that has come asks for that.
    pub(super) fn is_health_check(&self, life: &Life) -> bool {
        let Some(health_path) = &self.context.config.health_path else { return false };
        let head = life.receiver.head();
        matches!(head.method(), b"GET" | b"HEAD")
            && target::split(head.target()).is_some_and(|target| target.path == health_path.as_slice())
    }

    /// Answers it. Its connection goes on as after any other answer.
    pub(super) fn answer_health_check(&self, life: &mut Life) {
        let context = &self.context;
        let (head, _, framing) = life.receiver.take_request();
        life.answered += 1;
        let may_go_on = context.config.max_keepalive_requests.is_none_or(|most| life.answered < most);
        let keep_alive = may_go_on && context.keeps_alive() && framing.is_some_and(|framing| framing.keep_alive);
        let asked = Asked::of(&head, keep_alive);
        let (answer, plan) = encode::health(&context.is_ready(), asked, &date::format(date::now()));
        context.stats.health.add();
        let after = if plan.keep_alive { After::Next } else { After::Close };
        self.begin_sending(life, Unsent::of(&answer, &context.kept), None, after);
    }
}
