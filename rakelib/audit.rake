# frozen_string_literal: true

desc "Hold gems and crates to what is known of their faults (bundler-audit, cargo deny), where these are installed"
task :audit do
  failed = Audit::TOOLS.reject { |tool| Audit.passed?(**tool) }
  abort "audit: #{failed.map { |tool| tool[:name] }.join(", ")} failed" unless failed.empty?
end

# Each asks a database of its own that somebody has to have fetched, so neither is a lint.
module Audit
  TOOLS = [
    { name: "bundler-audit", command: %w[bundle-audit check --update], cure: "gem install bundler-audit",
      is_there: -> { Lint.command?("bundle-audit") } },
    { name: "cargo deny", command: %w[cargo deny check], cure: "cargo install --locked cargo-deny",
      is_there: -> { Lint.command?("cargo-deny") } }
  ].freeze

  module_function

  # One that isn't here is said to be so, and fails nothing.
  def passed?(name:, command:, cure:, is_there:)
    unless is_there.call
      puts "#{name}: not here, so nothing was looked at; it comes with: #{cure}"
      return true
    end
    Lint.outside_bundle { system(*command) }
  end
end
