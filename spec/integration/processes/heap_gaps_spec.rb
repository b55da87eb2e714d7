# frozen_string_literal: true

# Of processes of their own, whose memory the other specs don't share.
RSpec.describe "Gaps in the heap of the C library" do
  # KiB of the C library's heap that a forked process has copied, having allocated so many: where the one that it was
  # forked from has as much free, in 8,000 pieces between what is in use.
  def copied(*calls)
    script = <<~RUBY
      require "kino"
      # Their bytes alone: the objects are Ruby's own pages.
      heap = lambda do
        parts = File.read("/proc/self/smaps").split(/^(?=\\h+-\\h+ )/).grep(/\\[heap\\]/)
        parts.sum { |part| part[/Private_Dirty: +(\\d+)/, 1].to_i }
      end
      kept = Array.new(16_000) { |i| "\#{i} ".ljust(700, "x") }
      kept.select!.with_index { |_, i| i.odd? }
      GC.start
      GC.disable
      #{calls.join("\n")}
      Process.wait(fork do
        before = heap.call
        more = Array.new(6_000) { |i| "\#{i} ".ljust(699, "y") }
        is_whole = kept.all? { |one| one.size == 700 && one.match?(/\\A\\d+ x+\\z/) }
        $stdout.puts(heap.call - before, more.sum(&:size) / 1024, is_whole)
      end)
    RUBY
    *sizes, kept = IO.popen([RbConfig.ruby, "-I", "lib", "-e", script], &:readlines).map(&:chomp)
    expect([kept, $?.success?]).to eq ["true", true]
    sizes.map(&:to_i)
  end

  before { skip "of glibc alone" unless RbConfig::CONFIG["host_os"].match?(/linux(-gnu)?\z/) }

  it "has a forked process allocate in memory of its own" do
    without, needed = copied
    with, = copied("Kino.const_get(:Native).fill_gaps")
    expect(without).to be > needed * 1.6 # each piece lies beside one in use, on a page that both share
    expect(with).to be < needed * 1.3
  end

  it "holds no more of them than there are, however often it is done" do
    script = <<~RUBY
      require "kino"
      rss = 30.times.map do
        kept = Array.new(6_000) { |i| "\#{i} ".ljust(700, "x") }
        kept.select!.with_index { |_, i| (i % 20).zero? }
        GC.start
        Kino.const_get(:Native).fill_gaps
        File.read("/proc/self/statm").split[1].to_i * 4
      end
      puts rss
    RUBY
    rss = IO.popen([RbConfig.ruby, "-I", "lib", "-e", script], &:readlines).map(&:to_i)
    expect(rss.last - rss[4]).to be < 8_000 # all the gaps of each time are 4,000
  end
end
