# frozen_string_literal: true

require "builder"

# Builder's tables of characters aren't frozen.
Repairs.add "xml", upstream: "none known" do |repair|
  repair.before do
    Repairs.share(*Builder::XChar.constants.map { |name| "Builder::XChar::#{name}" })
  end
end
