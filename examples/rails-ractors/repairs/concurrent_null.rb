# frozen_string_literal: true

# A constant that isn't frozen, which every notification asks for.
Repairs.add "concurrent_null", upstream: "concurrent-ruby #1109, in its 1.3.8" do |repair|
  repair.before { Repairs.share("Concurrent::NULL") }
end
