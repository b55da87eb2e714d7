# frozen_string_literal: true

require_relative "channel"
require_relative "eventually"
require_relative "raw_client"

# An app that keeps its threads as long as an example wants, and says who came in. GET /wait waits without the GVL, GET
# /spin computes in pure Ruby; anything else is answered at once. Any mode can run it.
class BusyApp
  def initialize
    @entered, @go_on = Channel.new, Channel.new
    freeze
  end

  def call(env)
    path = env["PATH_INFO"]
    @entered << path
    case path
    when "/wait" then @go_on.pop
    when "/spin" then spin
    end
    [200, {}, [path]]
  end

  # A client whose request is in the app.
  def occupy(server, path = "/wait")
    client = RawClient.open(server.url).write(RawClient.message("GET", path))
    raise "the app was not called" unless @entered.pop == path

    client
  end

  # The next path that was asked for; nil when none was.
  def entered = @entered.pop(timeout: 0)

  # The same, once there is one.
  def await = @entered.pop

  # One request that waits, or spins, is answered.
  def go_on = @go_on << true

  private

  # Looks now and then, so that nearly all of it is Ruby that never gives up its lock of its own accord.
  def spin
    count = 0
    loop do
      count += 1
      break @go_on.pop if (count % 200_000).zero? && !@go_on.empty?
    end
  end
end
