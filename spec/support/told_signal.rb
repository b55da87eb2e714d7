# frozen_string_literal: true

# Who is told what to do by signals, for examples of whoever tells.
module ToldSignal
  # A process that hears these signals; yields its id.
  #
  # A handler only notes which has come: it may run in the middle of whatever the process is at, such as the line that
  # says that it listens. And that process leaves without what this one has registered for its end, whatever it raises.
  #
  # @return [String] the one that has come first
  def told_signal(*names)
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      Process.setproctitle("kino: told") # only a Kino is told anything
      came = nil
      names.each { |name| trap(name) { came ||= name } }
      writer.puts "listens"
      sleep 0.005 until came
      writer.write(came)
    ensure
      exit!(0)
    end
    writer.close
    reader.gets
    yield pid
    Process.wait(pid)
    pid = nil
    reader.read
  ensure
    reader&.close
    Process.kill(:KILL, pid) && Process.wait(pid) if pid
  end
end
