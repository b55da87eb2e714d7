# frozen_string_literal: true

# For `rake spec:compact`: the collector moves objects, and says at the end how often it did.
abort "this Ruby's collector can't move objects" unless GC.respond_to?(:auto_compact=)

GC.auto_compact = true

RSpec.configure do |config|
  config.after(:suite) { config.reporter.message("Objects were moved #{GC.stat(:compact_count)} times") }
end
