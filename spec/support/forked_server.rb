# frozen_string_literal: true

# A server of two processes, for examples that have one in their own process otherwise: it has what they ask of a
# Kino::Server. Its parent is a child of the example's process, so the app is there as the example has made it; what
# they tell each other goes through a Channel.
class ForkedServer
  PROCESSES = 2
  DEADLINE = Eventually::DEADLINE
  private_constant :DEADLINE

  attr_reader :mode, :urls, :aborted, :configuration

  def initialize(app, **settings)
    @app = app
    @configuration = Kino::Configuration.new(**settings, mode: :threaded, processes: PROCESSES, quiet: false)
    @mode = :threaded
    @aborted = []
  end

  def start
    said, out = IO.pipe
    @wire, theirs = constant(:Wire).pair
    @pid = fork do
      said.close
      @wire.close
      serve(out, theirs)
    end
    [out, theirs].each(&:close)
    @waiter = Process.detach(@pid)
    @urls = listening(said)
    self
  end

  def url = urls.first

  def port = url[/:(\d+)\z/, 1]&.to_i

  def running? = !@pid.nil?

  # The processes write their numbers down a few times a second.
  def stats
    sleep 0.3
    @wire.tell("stats")
    Marshal.load(@wire.wait.first.unpack1("m0"))
  end

  def stop(timeout = nil)
    return true unless running?

    Process.kill(:TERM, @pid)
    @waiter.join(timeout || DEADLINE * 2) || raise("the parent has not ended")
    done
    @waiter.value.success?
  end

  def stop!
    Process.kill(:KILL, @pid) if running?
    @waiter.join
    done
  end

  private

  def constant(name) = Kino.const_get(name)

  def done
    @pid = nil
    @wire.close
    @reader.join
  end

  def serve(out, wire)
    out.sync = true
    app = @app
    parent = constant(:Parent).new(@configuration, out: out) { app }
    Thread.new { wire.tell([Marshal.dump(parent.stats)].pack("m0")) while wire.wait }
    status = parent.serve
    $stderr.flush
    exit!(status)
  rescue Exception => error
    warn error.full_message
    exit!(1)
  end

  def listening(said)
    urls = []
    while (line = said.gets) && !line.start_with?("Ctrl-C")
      urls << line[/\AListening on (.+)$/, 1]
    end
    raise "the server did not start" unless line

    # What it says later is nothing that it may wait for a reader with.
    @reader = Thread.new { nil while said.gets }
    urls.compact
  end
end
