# frozen_string_literal: true

require_relative "kino_process"

# A server of several processes, started as a command, and what can be seen of it from outside.
module KinoProcesses
  def self.included(group) = group.include(KinoProcess::Helpers)

  # Its app tells its process, and what stood in the file "version" when it was booted; on /wait it answers once someone
  # writes to the pipe "go", or to another that the query names: where two read one, the end of what was for one may be
  # the other's. Ractors can share it.
  APP = <<~'RUBY'
    VERSION = File.read("version").freeze
    module Told
      def self.call(env)
        case env["PATH_INFO"]
        when "/wait"
          $stdout.puts "inside"
          $stdout.flush
          begin
            [200, {}, [File.read(env["QUERY_STRING"][/\Ago\d\z/] || "go")]]
          rescue Errno::EINTR
            retry
          end
        when "/sleep"
          sleep(env["QUERY_STRING"].to_f)
          [200, {}, [env["QUERY_STRING"]]]
        else [200, {}, ["#{Process.pid} #{VERSION}"]]
        end
      end
    end
    run Told
  RUBY

  # One that ractors can share, and that does no more than this.
  def app_of(expression) = "module Told\n  def self.call(_) = #{expression}\nend\nrun Told\n"

  def prepare(app = APP, **files)
    File.mkfifo("#{folder}/go")
    write("version", "one")
    write("config.ru", app)
    files.each { |name, text| write("#{name}.rb", text) }
  end

  # Lets one request go on that waits. To open a pipe that nobody reads from yet takes until somebody does, or until any
  # signal comes, such as those that Ruby's threads take turns by.
  def let_go(pipe = "go")
    File.write("#{folder}/#{pipe}", "went")
  rescue Errno::EINTR
    retry
  end

  # Starts it; waits until it serves.
  def start_processes(number = 2, *arguments, **options)
    process = kino("-b", "tcp://127.0.0.1:0", "-t", "2", "--processes", number.to_s, *arguments, **options)
    process.wait_for(/^Ctrl-C/)
    process
  end

  # Processes of it that live, by their titles: their numbers, with those of their parents.
  def family(process) = descendants(process.pid).to_h { |pid| [pid, title(pid)] }.compact

  # Those that serve.
  def serving(process) = family(process).select { |_, title| title.match?(/\Akino: process \d.* running\z/) }.keys

  def mold(process) = family(process).key("kino: mold")

  # Who answers, and what it was booted with.
  def ask(url, path = "/") = RawClient.open(url) { |client| client.get(path, "connection" => "close").body.split }

  # Who answers many clients.
  def answerers(url, clients: 40)
    Eventually.concurrently(8) { Array.new(clients / 8) { ask(url).first.to_i } }.flatten.uniq
  end

  def alive?(pid)
    File.read("/proc/#{pid}/stat")[/\) (\S)/, 1] != "Z"
  rescue SystemCallError
    false
  end

  private

  def title(pid)
    text = File.binread("/proc/#{pid}/cmdline").delete("\0").strip
    text unless text.empty?
  rescue SystemCallError
    nil
  end

  def descendants(pid)
    children = Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select { |one| parent_of(one) == pid }
    children + children.flat_map { |child| descendants(child) }
  end

  def parent_of(pid)
    File.read("/proc/#{pid}/stat")[/\) \S (\d+)/, 1].to_i
  rescue SystemCallError
    nil
  end
end
