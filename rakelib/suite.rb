# frozen_string_literal: true

require "etc"
require "rbconfig"
require "tempfile"
require "timeout"
require_relative "again"

# Specs, all of them if nothing else is said: each folder in a process of its own, as many at once as there are
# processors, since most of what a spec of a server does is wait.
#
# An example that fails is tried again when all else is done and nothing runs beside it: a shared machine can stand
# still for longer than any deadline. It has failed unless it passes TRIES times in a row, and is named either way: one
# that passes is unsteady, which is a fault of its own, of the spec or of Kino.
class Suite
  # Those that take longest; begun with, so that none of them is what all others have to wait for at the end.
  LONGEST = %w[front_doors packaging processes http2 memory upgrades connections hosts control].freeze

  # Times that what has failed is tried again.
  TRIES = Again::TRIES

  # Failures that are more than a machine's: none of them is tried again.
  MANY = 10

  # Seconds after which a part that hangs is ended.
  LIMIT = 900

  # What RSpec says at its end; a spec that ends its process with status 0 ends it before that.
  ALL = /^\d+ examples?, 0 failures(?:, \d+ pending)?$/

  # Where spec_helper.rb has RSpec keep how each example has ended.
  ENDED = "tmp/rspec_status.txt"

  # @param root [String] the folder that has spec/ in it
  # @param paths [Array<String>, nil] the folders, such as "spec/unit"; nil for each there is
  # @param options [Array<String>] what RSpec is told besides, such as "--tag", "focus"
  # @param jobs [Integer] processes at once
  # @param out [IO] where it tells
  def initialize(root = Dir.pwd, paths: nil, options: [], out: $stdout,
                 jobs: Integer(ENV.fetch("SPEC_JOBS", Etc.nprocessors.clamp(1, 4))))
    @root = root
    @paths = paths || each_folder
    @options = options
    @jobs = jobs
    @out = out
    @telling = Mutex.new
  end

  # @return [Boolean] whether all have passed, some of them at last
  def run
    File.delete(ended) if File.exist?(ended)
    parts = all_at_once
    broken = parts.reject { |part| part[:ok] }
    return true if broken.empty?

    failed = self.failed
    # Where a process has ended before its time, nobody knows what it has not come to.
    unknown = broken.reject { |part| failed.any? { |id| id.start_with?("./#{part[:path]}/", "./#{part[:path]}[") } }
    again(failed, unknown.map { |part| part[:path] })
  end

  private

  # What runs in one process: a folder of specs, or a file that is in none.
  def each_folder
    integration = under("spec/integration")
    (integration + under("spec") - ["spec/integration"])
      .sort_by { |path| [LONGEST.index(File.basename(path)) || LONGEST.size, path] }
  end

  def under(folder)
    Dir.children(File.join(@root, folder)).map { |name| "#{folder}/#{name}" }
       .select { |path| specs?(File.join(@root, path)) }
  end

  def specs?(path) = File.file?(path) ? path.end_with?("_spec.rb") : Dir.glob("#{path}/**/*_spec.rb").any?

  def all_at_once
    todo = Queue.new(@paths).close
    Array.new(@jobs) { Thread.new { several(todo) } }.flat_map(&:value)
  end

  def several(todo)
    done = []
    while (path = todo.pop)
      done << { path:, ok: rspec(path) }
    end
    done
  end

  # Each tells all it has to tell at once, so that two don't get mixed. It tells a file: a pipe's end would wait for
  # each process that a spec has left behind.
  def rspec(*paths)
    begun = now
    log = Tempfile.new("rspec")
    ended = ended_well?(Process.spawn(RbConfig.ruby, Gem.bin_path("rspec-core", "rspec"), *@options,
                                      *paths, chdir: @root, in: File::NULL, out: log, err: log))
    said = File.read(log.path)
    ok = ended && said.match?(ALL)
    @telling.synchronize do
      @out.puts "== rspec #{paths.join(" ")}: #{ok ? "passed" : "FAILED"} in #{(now - begun).round} s", said
      @out.flush
    end
    ok
  ensure
    log&.close!
  end

  def ended_well?(pid)
    Timeout.timeout(LIMIT) { Process.wait2(pid).last.success? }
  rescue Timeout::Error
    Process.kill(:KILL, pid)
    Process.wait(pid)
    false
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def ended = File.join(@root, ENDED)

  # @return [Array<String>] what RSpec calls them, such as "./spec/unit/version_spec.rb[1:1]"
  def failed
    return [] unless File.exist?(ended)

    File.readlines(ended).filter_map { |line| line[/\A(\S+)\s*\| failed /, 1] }
  end

  def again(failed, unknown)
    @out.puts "Failed: #{[*failed, *unknown].join(" ")}"
    return false if failed.size > MANY || unknown.any?

    names = failed.join(" ")
    return true if Again.steady?(names, out: @out) { rspec(*failed) }

    @out.puts "FAILED again: #{names}"
    false
  end
end
