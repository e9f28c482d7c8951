//! A world under watch: whoever watches sees every call of the pipeline as it is made and what the pipeline hears.

use mock_server::time::Moment;
use mock_server::wire::call::Call;

use crate::world::{Outcome, Route, World};

/// Who watches.
pub trait Watch {
    /// A process of the pipeline begins: whatever the one before it had heard is forgotten, unless it kept it.
    fn begins(&self) {}

    /// A call is made.
    fn asks(&self, _at: Moment, _route: &Route, _call: &Call) {}

    /// What came of a call is heard.
    fn hears(&self, _at: Moment, _route: &Route, _call: &Call, _outcome: &Outcome) {}
}

/// Sees nothing.
#[derive(Copy, Clone, Debug)]
pub struct Blind;

impl Watch for Blind {}

/// Other randomness from a moment on: calls made from then on are known to the servers and the network under other
/// numbers, so that what befalls them is drawn anew.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Rekey {
    /// From when on.
    pub from: Moment,
    /// Which other randomness; 1 to 4,095 are all different, 0 changes nothing.
    pub salt: u64,
}

/// Where the salt lies within the number of a request, above everything that a pipeline numbers.
const SALT_SHIFT: u32 = 52;

/// A world under watch.
pub struct Watched<'w, W> {
    world: W,
    watch: &'w dyn Watch,
    rekey: Option<Rekey>,
}

impl<'w, W> Watched<'w, W> {
    /// Puts a world under watch, and lets its randomness change.
    pub fn new(world: W, watch: &'w dyn Watch, rekey: Option<Rekey>) -> Self {
        Self { world, watch, rekey }
    }
}

impl<W: World> World for Watched<'_, W> {
    fn now(&self) -> Moment {
        self.world.now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.world.sleep_until(moment).await;
    }

    async fn call(&self, route: Route, call: &Call) -> Outcome {
        self.watch.asks(self.world.now(), &route, call);
        let request = match self.rekey {
            Some(rekey) if rekey.from <= self.world.now() => route.request ^ rekey.salt << SALT_SHIFT,
            _ => route.request,
        };
        let outcome = self.world.call(Route { request, ..route }, call).await;
        self.watch.hears(self.world.now(), &route, call, &outcome);
        outcome
    }

    fn take_wait(&self) -> Moment {
        self.world.take_wait()
    }
}
