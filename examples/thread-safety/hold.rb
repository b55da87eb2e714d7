# frozen_string_literal: true

# Makes races happen for certain. A request with ?hold waits at the line where things go wrong, which says
# `env["races.hold"].call`, until somebody asks for /release. /held tells how many wait there, of how many in the app.
class Hold
  # Seconds to wait at most.
  PATIENCE = 60

  def initialize(app)
    @app = app
    @lock = Mutex.new
    @released = ConditionVariable.new
    @inside = @held = @releases = 0
  end

  def call(env)
    case env["PATH_INFO"]
    when "/held" then text(@lock.synchronize { "#{@held} of #{@inside}\n" })
    when "/release" then text("#{release} released\n")
    else enter(env)
    end
  end

  private

  def enter(env)
    @lock.synchronize { @inside += 1 }
    env["races.hold"] = env["QUERY_STRING"].match?(/\bhold\b/) ? method(:wait) : -> {}
    @app.call(env)
  ensure
    @lock.synchronize { @inside -= 1 }
  end

  def wait
    deadline = now + PATIENCE
    @lock.synchronize do
      before = @releases
      @held += 1
      @released.wait(@lock, deadline - now) while @releases == before && now < deadline
      @held -= 1
    end
  end

  def release
    @lock.synchronize do
      @releases += 1
      @released.broadcast
      @held
    end
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def text(text) = [200, { "content-type" => "text/plain" }, [text]]
end
