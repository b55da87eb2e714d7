# frozen_string_literal: true

if ENV["COVERAGE"] == "1"
  require "simplecov"
  SimpleCov.start do
    add_filter "/spec/"
    enable_coverage :branch
  end
end

require "rspec"
require_relative "support/barrier"
require_relative "support/bodies"
require_relative "support/browser"
require_relative "support/busy_app"
require_relative "support/channel"
require_relative "support/descriptors"
require_relative "support/eventually"
require_relative "support/example"
require_relative "support/probes"
require_relative "support/raw_client"
require_relative "support/serving"
require_relative "support/shareable"

# Ruby says of its first ractor that it is experimental, on standard error, where nothing is expected.
Warning[:experimental] = false

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.order = :random
  Kernel.srand config.seed

  config.expect_with(:rspec) { |expectations| expectations.syntax = :expect }
  config.mock_with(:rspec) { |mocks| mocks.verify_partial_doubles = true }
  config.shared_context_metadata_behavior = :apply_to_host_groups
  config.example_status_persistence_file_path = "tmp/rspec_status.txt"
  config.filter_run_when_matching :focus

  config.define_derived_metadata(file_path: %r{/spec/integration/}) { |metadata| metadata[:integration] = true }
  config.include Shareable
  config.extend Shareable
  config.after { Channel.close_all }

  config.include Eventually, :integration
  config.include Serving, :integration
  config.extend Serving::EachMode, :integration
end
