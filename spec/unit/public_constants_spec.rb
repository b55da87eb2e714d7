# frozen_string_literal: true

require "open3"
require "rbconfig"

# Whatever users can name, they build on. The rest each file says to be private, right after its definition.
RSpec.describe "The constants of Kino" do
  errors = %w[AppLoadError BindError BodyTooLargeError ClientDisconnected ClientError ClientTimeout ConfigurationError
              Error MalformedBodyError RequestTimeoutError ResponseError UnshareableAppError WorkerBootError
              WorkerStuckError]
  front_doors = %w[CLI Check Configuration RactorLogger Server TestServer VERSION]
  # What apps get to see.
  in_env = %w[ClientGone EarlyHints NoInput Request Stream StreamedInput]
  # What hooks are called with.
  in_hooks = %w[Warmup]
  # What Rackup::Handler::Kino, outside of Kino, calls.
  entries = %w[RackupServer]

  # With all of its files loaded, in a process of its own: other specs put doubles in constants' places.
  let(:public_ones) do
    lib = File.expand_path("../../lib", __dir__)
    out, status = Open3.capture2e(RbConfig.ruby, "-I#{lib}", "-e", <<~RUBY)
      require "kino"
      Dir.glob("#{lib}/kino/**/*.rb").sort.each { |file| require file }
      puts Kino.constants
    RUBY
    expect(status).to be_success, out
    out.split
  end

  it "are private, but for those that are for users" do
    expect(public_ones).to match_array(errors + front_doors + in_env + in_hooks + entries)
  end
end
