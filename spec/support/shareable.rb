# frozen_string_literal: true

# For apps that every mode can run: one that ractors share may not refer to an example, and a lambda always refers to
# what is `self` where it is written.
#
# What the block's lambdas use of the variables around it has to be shareable too, and assigned only once (a keyword's
# default of `{}` counts): what a `let` gives is put into a variable first. An example's own methods are out of reach.
module Shareable
  # Answers what the block makes, an app or a Hash of lambdas, made shareable; in the block `self` is nil.
  #
  #   app = shareable { ->(env) { [200, {}, [env["PATH_INFO"]]] } }
  def shareable(&maker) = Ractor.make_shareable(nil.instance_exec(&maker))
end
