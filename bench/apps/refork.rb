# frozen_string_literal: true

# Settings of the server whose processes are forked anew from one that has served: twice, and then no more, so that what
# is measured at the end has served for a while, too.
refork_after [50, 1_000, false]
