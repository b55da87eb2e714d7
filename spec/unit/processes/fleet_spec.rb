# frozen_string_literal: true

require "kino/processes/fleet"

RSpec.describe Kino.const_get(:Fleet) do
  # A process as the fleet knows it, which does what it is told and tells what that was.
  let(:child_class) do
    Struct.new(:name, :index, :mold, :served_since, :is_leaving) do
      def serves? = !served_since.nil? && !is_leaving
      def retire = self.is_leaving = true
      def to_s = name
      alias_method :inspect, :to_s
    end
  end

  # All that were started, in that order, and those that another has taken over from.
  let(:started) { [] }
  let(:retired) { [] }
  # Why they were.
  let(:reasons) { [] }
  # What is forked from: nothing can be while that is nil.
  let(:source) { { mold: :mold } }
  let(:letters) { [*"a".."zz"] }

  before { @time = 100.0 }

  def fleet(size)
    start = lambda do |index, reason|
      reasons << reason
      next unless source[:mold]

      started << child_class.new("#{index}#{letters[started.count { |one| one.index == index }]}", index,
                                 source[:mold])
      started.last
    end
    retire = lambda do |process, reason|
      retired << [process.name, reason]
      process.retire
    end
    described_class.new(size, start: start, retire: retire, clock: -> { @time })
  end

  # One whose processes all serve.
  def serving(size)
    fleet(size).tap do |fleet|
      fleet.look
      started.each { |process| ready(fleet, process.name) }
    end
  end

  def pass(seconds) = @time += seconds

  def child(name) = started.find { |process| process.name == name } || raise("#{name} was never started")

  def ready(fleet, *names)
    names.each do |name|
      child(name).served_since = @time
      fleet.ready(child(name))
    end
  end

  # Goes on until nothing new happens, as the parent does after each message. Those that another has taken over from are
  # gone by then.
  def look(fleet)
    retired.each { |name, _| fleet.gone(child(name)) if fleet.processes.include?(child(name)) }
    3.times { fleet.look }
    names
  end

  def die(fleet, name)
    child(name).is_leaving = true
    fleet.gone(child(name))
  end

  def names = started.map(&:name)

  # Those of which the fleet knows, and who was told to end.
  def living(fleet) = fleet.processes.map { |one| one.is_leaving ? "(#{one})" : one.name }

  describe "the start" do
    it "starts one for each place, and none twice" do
      fleet = fleet(3)

      expect([fleet.size, names]).to eq([3, []])
      expect(look(fleet)).to eq(%w[0a 1a 2a])
    end

    it "is complete once all serve" do
      fleet = fleet(2)
      fleet.look
      ready(fleet, "1a")
      expect([fleet.complete?, fleet.serving]).to eq([false, [child("1a")]])

      ready(fleet, "0a")
      expect([fleet.complete?, fleet.serving]).to eq([true, [child("0a"), child("1a")]])
    end

    it "waits a moment where none can be started now" do
      source[:mold] = nil
      fleet = fleet(1)
      fleet.look
      expect(fleet.patience).to be_within(0.001).of(0.1)

      source[:mold] = :mold
      expect(look(fleet)).to eq([])
      pass(0.1)
      expect(look(fleet)).to eq(%w[0a])
    end

    it "has nothing to look for while every place has its process" do
      fleet = fleet(1)
      expect(fleet.patience).to eq(0)

      fleet.look
      expect(fleet.patience).to be_nil
    end
  end

  describe "a process that dies" do
    it "has another take its place at once when it has served for a while" do
      fleet = serving(2)
      pass(1)

      expect(die(fleet, "1a")).to eq(:died)
      expect([fleet.patience, fleet.complete?]).to eq([0, false])
      expect(look(fleet)).to eq(%w[0a 1a 1b])
      expect(living(fleet)).to eq(%w[0a 1b])
    end

    it "has the next one wait longer each time it dies quickly, but for the first, and five seconds at most" do
      fleet = serving(1)
      waits = Array.new(9) do
        die(fleet, names.last)
        wait = fleet.patience
        pass(wait)
        fleet.look
        ready(fleet, names.last)
        wait
      end

      expect(waits).to match([0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5].map { |wait| be_within(0.001).of(wait) })
    end

    it "is started no sooner than that" do
      fleet = serving(1)
      die(fleet, "0a")
      fleet.look
      ready(fleet, "0b")
      die(fleet, "0b")

      pass(0.09)
      expect(look(fleet)).to eq(%w[0a 0b])
      pass(0.02)
      expect(look(fleet)).to eq(%w[0a 0b 0c])
    end

    it "begins anew to count once one has served for a while" do
      fleet = serving(1)
      3.times do
        die(fleet, names.last)
        pass(fleet.patience)
        fleet.look
        ready(fleet, names.last)
      end
      pass(1)

      die(fleet, names.last)
      expect(fleet.patience).to eq(0)
    end

    it "leaves the other places' delays alone" do
      fleet = serving(2)
      3.times do
        die(fleet, started.reverse.find { |one| one.index.zero? }.name)
        pass(fleet.patience)
        fleet.look
        ready(fleet, names.last)
      end

      die(fleet, "1a")
      expect(fleet.patience).to eq(0)
    end

    it "is never hopeless while those that die have served" do
      fleet = serving(1)
      outcomes = Array.new(20) do
        die(fleet, names.last).tap do
          pass(fleet.patience)
          fleet.look
          ready(fleet, names.last)
        end
      end

      expect(outcomes.uniq).to eq([:died])
    end

    it "is tried again when it has never served, with the same delays" do
      fleet = fleet(1)
      fleet.look
      outcomes = Array.new(4) do
        outcome = die(fleet, names.last)
        wait = fleet.patience
        pass(wait)
        fleet.look
        [outcome, wait.round(3)]
      end

      expect(outcomes).to eq([[:unbooted, 0], [:unbooted, 0.1], [:unbooted, 0.2], [:unbooted, 0.4]])
    end

    it "is hopeless when five in a row have never served" do
      fleet = fleet(1)
      fleet.look
      outcomes = Array.new(5) do
        die(fleet, names.last).tap do
          pass(5)
          fleet.look
        end
      end

      expect(outcomes).to eq([*[:unbooted] * 4, :hopeless])
    end

    it "is tried on when one has served in between" do
      fleet = fleet(1)
      outcomes = Array.new(10) do |round|
        fleet.look
        ready(fleet, names.last) if round == 4
        die(fleet, names.last).tap { pass(5) }
      end

      expect(outcomes).to eq([*[:unbooted] * 4, :died, *[:unbooted] * 4, :hopeless])
    end

    it "has left, where it was nobody's any more" do
      fleet = serving(2)
      fleet.resize(1)

      expect(die(fleet, "1a")).to eq(:left)
      expect(living(fleet)).to eq(%w[0a])
    end
  end

  describe "#replace" do
    it "starts a successor, and has the one before end once that serves" do
      fleet = serving(1)
      fleet.replace
      expect(look(fleet)).to eq(%w[0a 0b])
      expect([fleet.serving, fleet.complete?, retired]).to eq([[child("0a")], true, []])

      ready(fleet, "0b")
      expect(retired).to eq([["0a", :asked]])
      expect([fleet.serving, fleet.complete?, living(fleet)]).to eq([[child("0b")], true, %w[(0a) 0b]])
    end

    it "replaces one at a time" do
      fleet = serving(3)
      fleet.replace
      expect(look(fleet)).to eq(%w[0a 1a 2a 0b])

      ready(fleet, "0b")
      expect(look(fleet)).to eq(%w[0a 1a 2a 0b 1b])
      ready(fleet, "1b")
      expect(look(fleet)).to eq(%w[0a 1a 2a 0b 1b 2b])
      ready(fleet, "2b")
      expect(look(fleet).size).to eq(6)
      expect(retired.map(&:first)).to eq(%w[0a 1a 2a])
    end

    it "waits until the one before is gone" do
      fleet = serving(2)
      fleet.replace
      fleet.look
      ready(fleet, "0b")
      3.times { fleet.look }
      expect(names).to eq(%w[0a 1a 0b])

      fleet.gone(child("0a"))
      fleet.look
      expect(names).to eq(%w[0a 1a 0b 1b])
    end

    it "is over once the last successor serves, and the one before is gone" do
      fleet = serving(2)
      expect(fleet).not_to be_replacing
      fleet.replace
      expect(fleet).to be_replacing

      look(fleet)
      ready(fleet, "0b")
      expect(fleet).to be_replacing
      look(fleet)
      ready(fleet, "1b")
      expect(fleet).to be_replacing
      look(fleet)
      expect(fleet).not_to be_replacing
    end

    it "lets those be that nobody has asked for" do
      fleet = serving(3)
      fleet.replace([child("1a")])
      look(fleet)
      ready(fleet, "1b")

      expect(look(fleet)).to eq(%w[0a 1a 2a 1b])
      expect([retired, fleet.serving.map(&:name)]).to eq([[["1a", :asked]], %w[0a 1b 2a]])
    end

    it "lets those be that have no place" do
      fleet = serving(2)
      gone = child("1a")
      fleet.resize(1)
      fleet.replace([gone])

      expect([fleet.replacing?, look(fleet)]).to eq([false, %w[0a 1a]])
    end

    it "tells why, to whoever has one end: a process that others are to be forked from doesn't" do
      fleet = serving(2)
      fleet.replace([child("0a")], reason: :refork)
      look(fleet)
      ready(fleet, "0b")

      expect(retired).to eq([["0a", :refork]])
    end

    it "starts others with why: nothing of the kind where one has none" do
      fleet = serving(2)
      fleet.replace([child("0a")])
      look(fleet)
      ready(fleet, "0b")
      fleet.replace([child("1a")], reason: :recycle)
      look(fleet)

      expect(reasons).to eq([nil, nil, :asked, :recycle])
    end

    it "drains the one before where nobody says otherwise" do
      process = child_class.new("a", 0)
      fleet = described_class.new(1, start: ->(*) { process }, clock: -> { @time })
      fleet.look
      fleet.replace
      before, process = process, child_class.new("b", 0)
      fleet.look
      fleet.ready(process)

      expect([before.is_leaving, process.is_leaving]).to eq([true, nil])
    end

    it "replaces all but those of a mold" do
      fleet = serving(3)
      child("1a").mold = :other
      fleet.replace_all_but(:other)
      look(fleet)
      ready(fleet, "0b")
      look(fleet)
      ready(fleet, "2b")

      expect(look(fleet)).to eq(%w[0a 1a 2a 0b 2b])
    end

    it "waits with the next one until a successor can be started" do
      fleet = serving(1)
      fleet.replace
      source[:mold] = nil
      expect([look(fleet), fleet.replacing?]).to eq([%w[0a], true])

      source[:mold] = :mold
      expect(look(fleet)).to eq(%w[0a 0b])
    end

    it "replaces none that waits for it, once those are to be let be" do
      fleet = serving(2)
      fleet.replace
      fleet.forget_replacements

      expect([fleet.replacing?, look(fleet)]).to eq([false, %w[0a 1a]])
    end

    it "ends a successor that has not served yet, once those are to be let be" do
      fleet = serving(2)
      fleet.replace
      look(fleet)
      fleet.forget_replacements
      expect([fleet.replacing?, living(fleet)]).to eq([false, %w[0a 1a (0b)]])

      ready(fleet, "0b")
      expect([die(fleet, "0b"), retired, look(fleet)]).to eq([:left, [], %w[0a 1a 0b]])
    end

    it "counts a process that was replaced as new: the next one that dies is started at once" do
      fleet = serving(1)
      3.times do
        die(fleet, names.last)
        pass(fleet.patience)
        fleet.look
        ready(fleet, names.last)
      end
      fleet.replace
      look(fleet)
      ready(fleet, names.last)

      die(fleet, names.last)
      expect(fleet.patience).to eq(0)
    end

    describe "asked for twice" do
      it "replaces one that waits for it once" do
        fleet = serving(2)
        2.times { fleet.replace([child("1a")]) }
        look(fleet)
        ready(fleet, "1b")

        expect([look(fleet), fleet.replacing?]).to eq([%w[0a 1a 1b], false])
      end

      it "replaces others, too, while a successor starts" do
        fleet = serving(2)
        fleet.replace([child("0a")])
        look(fleet)
        fleet.replace([child("1a")])
        ready(fleet, "0b")
        expect(look(fleet)).to eq(%w[0a 1a 0b 1b])

        ready(fleet, "1b")
        expect(look(fleet)).to eq(%w[0a 1a 0b 1b])
      end

      it "replaces one once of which the successor starts, where just that one is meant" do
        fleet = serving(2)
        fleet.replace([child("0a")])
        look(fleet)
        fleet.replace([child("0a")])
        ready(fleet, "0b")

        expect([look(fleet), fleet.replacing?]).to eq([%w[0a 1a 0b], false])
      end

      it "replaces a successor that was started before all were asked for: it follows what was so by then" do
        fleet = serving(2)
        fleet.replace([child("0a")])
        look(fleet)
        fleet.replace
        ready(fleet, "0b")
        expect(look(fleet)).to eq(%w[0a 1a 0b 1b])
        ready(fleet, "1b")
        expect(look(fleet)).to eq(%w[0a 1a 0b 1b 0c])
        ready(fleet, "0c")

        expect([retired.map(&:first), fleet.serving.map(&:name)]).to eq([%w[0a 1a 0b], %w[0c 1b]])
      end

      it "replaces a successor of another mold" do
        fleet = serving(1)
        fleet.replace
        look(fleet)
        source[:mold] = :newer
        fleet.replace_all_but(:newer)
        ready(fleet, "0b")
        expect(look(fleet)).to eq(%w[0a 0b 0c])
        ready(fleet, "0c")
        look(fleet)

        expect([fleet.serving.map(&:mold), fleet.replacing?]).to eq([[:newer], false])
      end

      it "lets a successor of that mold be" do
        fleet = serving(1)
        fleet.replace
        source[:mold] = :newer
        look(fleet)
        fleet.replace_all_but(:newer)
        ready(fleet, "0b")

        expect([look(fleet), fleet.replacing?]).to eq([%w[0a 0b], false])
      end
    end
  end

  describe "a successor that never serves" do
    it "has failed, and who is there goes on" do
      fleet = serving(2)
      fleet.replace([child("0a")])
      look(fleet)

      expect(die(fleet, "0b")).to eq(:failed)
      expect([fleet.serving.map(&:name), living(fleet), retired]).to eq([%w[0a 1a], %w[0a 1a], []])
      expect(fleet.replacing?).to be(false)
    end

    it "is not tried again, while those that wait have their turn, after a while" do
      fleet = serving(2)
      fleet.replace
      look(fleet)
      die(fleet, "0b")

      expect([look(fleet), fleet.patience]).to eq([%w[0a 1a 0b], 5])
      pass(5)
      expect(look(fleet)).to eq(%w[0a 1a 0b 1b])
    end

    it "counts for no delay and no end of the one that is there" do
      fleet = serving(1)
      6.times do
        fleet.replace
        look(fleet)
        expect(die(fleet, names.last)).to eq(:failed)
        pass(5)
      end

      expect([die(fleet, "0a"), fleet.patience]).to eq([:died, 0])
    end
  end

  describe "a process that dies while it is being replaced" do
    it "leaves its place to its successor: no third one is started" do
      fleet = serving(2)
      pass(1)
      fleet.replace([child("0a")])
      look(fleet)
      expect(die(fleet, "0a")).to eq(:died)
      expect([look(fleet), fleet.patience]).to eq([%w[0a 1a 0b], nil])

      ready(fleet, "0b")
      expect([fleet.complete?, fleet.serving.map(&:name), look(fleet)]).to eq([true, %w[0b 1a], %w[0a 1a 0b]])
    end

    it "is not retired any more: it is dead" do
      fleet = serving(1)
      fleet.replace([child("0a")], reason: :refork)
      look(fleet)
      die(fleet, "0a")
      ready(fleet, "0b")

      expect([retired, fleet.replacing?]).to eq([[], false])
    end

    it "has another take its place where its successor never serves" do
      fleet = serving(1)
      pass(1)
      fleet.replace
      look(fleet)
      die(fleet, "0a")
      expect(die(fleet, "0b")).to eq(:failed)
      expect(fleet.patience).to eq(0)

      expect(look(fleet)).to eq(%w[0a 0b 0c])
      ready(fleet, "0c")
      expect([fleet.complete?, living(fleet)]).to eq([true, %w[0c]])
    end

    it "has another take its place where what is being replaced is to be let be" do
      fleet = serving(1)
      pass(1)
      fleet.replace
      look(fleet)
      die(fleet, "0a")
      fleet.forget_replacements

      expect([look(fleet), living(fleet)]).to eq([%w[0a 0b 0c], %w[(0b) 0c]])
    end

    it "is replaced as any that dies, where no successor could be started yet" do
      fleet = serving(1)
      pass(1)
      fleet.replace
      source[:mold] = nil
      look(fleet)
      die(fleet, "0a")
      source[:mold] = :mold
      pass(0.1)
      expect([look(fleet), fleet.replacing?]).to eq([%w[0a 0b], false])

      ready(fleet, "0b")
      expect([look(fleet), retired]).to eq([%w[0a 0b], []])
    end

    it "is replaced as any that dies, where it waits for its turn" do
      fleet = serving(2)
      pass(1)
      fleet.replace
      look(fleet)
      die(fleet, "1a")
      expect(look(fleet)).to eq(%w[0a 1a 0b 1b])

      ready(fleet, "0b", "1b")
      expect([look(fleet), fleet.replacing?]).to eq([%w[0a 1a 0b 1b], false])
    end
  end

  describe "a process that never came to serve and is to be replaced" do
    it "is ended once its successor serves" do
      fleet = fleet(1)
      fleet.look
      fleet.replace
      look(fleet)
      ready(fleet, "0b")

      expect([retired, fleet.complete?]).to eq([[["0a", :asked]], true])
    end

    it "has its place until then, also when it serves in the meantime" do
      fleet = fleet(1)
      fleet.look
      fleet.replace
      look(fleet)
      ready(fleet, "0a")
      expect([fleet.serving, fleet.replacing?]).to eq([[child("0a")], true])

      ready(fleet, "0b")
      expect(fleet.serving).to eq([child("0b")])
    end
  end

  describe "#resize" do
    it "starts one for each further place" do
      fleet = serving(1)
      fleet.resize(3)

      expect([fleet.size, fleet.complete?, look(fleet)]).to eq([3, false, %w[0a 1a 2a]])
    end

    it "drains those that are too many, from the last" do
      fleet = serving(3)
      fleet.resize(1)

      expect([fleet.size, living(fleet), fleet.complete?, look(fleet)])
        .to eq([1, %w[0a (1a) (2a)], true, %w[0a 1a 2a]])
    end

    it "changes nothing where there are as many" do
      fleet = serving(2)
      fleet.resize(2)

      expect([living(fleet), look(fleet)]).to eq([%w[0a 1a], %w[0a 1a]])
    end

    it "starts a new one beside one that still drains, where it is to be more again" do
      fleet = serving(2)
      fleet.resize(1)
      fleet.resize(2)
      expect([look(fleet), living(fleet)]).to eq([%w[0a 1a 1b], %w[0a (1a) 1b]])

      expect(die(fleet, "1a")).to eq(:left)
      ready(fleet, "1b")
      expect([fleet.complete?, look(fleet)]).to eq([true, %w[0a 1a 1b]])
    end

    it "has no process where one died and is no more wanted" do
      fleet = serving(2)
      die(fleet, "1a")
      fleet.resize(1)

      expect([look(fleet), fleet.complete?, fleet.patience]).to eq([%w[0a 1a], true, nil])
    end

    it "drains one that has not served yet" do
      fleet = fleet(2)
      fleet.look
      fleet.resize(1)
      ready(fleet, "1a")

      expect([living(fleet), fleet.serving, die(fleet, "1a")]).to eq([%w[0a (1a)], [], :left])
    end

    it "drains both the one that is being replaced and its successor" do
      fleet = serving(2)
      fleet.replace([child("1a")])
      look(fleet)
      fleet.resize(1)
      expect([living(fleet), fleet.replacing?]).to eq([%w[0a (1a) (1b)], false])

      ready(fleet, "1b")
      expect([die(fleet, "1b"), die(fleet, "1a"), retired, look(fleet)]).to eq([:left, :left, [], %w[0a 1a 1b]])
    end

    it "drains a successor whose predecessor has died" do
      fleet = serving(2)
      fleet.replace([child("1a")])
      look(fleet)
      die(fleet, "1a")
      fleet.resize(1)

      expect([living(fleet), fleet.replacing?, look(fleet)]).to eq([%w[0a (1b)], false, %w[0a 1a 1b]])
    end

    it "replaces none that is too many" do
      fleet = serving(3)
      fleet.replace
      look(fleet)
      fleet.resize(1)
      ready(fleet, "0b")

      expect([look(fleet), fleet.replacing?, retired]).to eq([%w[0a 1a 2a 0b], false, [["0a", :asked]]])
    end

    it "goes on with what is being replaced where it is to be more" do
      fleet = serving(1)
      fleet.replace
      look(fleet)
      fleet.resize(2)
      expect(look(fleet)).to eq(%w[0a 0b 1a])

      ready(fleet, "0b", "1a")
      look(fleet)
      expect([fleet.serving.map(&:name), fleet.replacing?]).to eq([%w[0b 1a], false])
    end
  end

  describe "a process that ends by itself" do
    it "leaves its place to another while it finishes what runs" do
      fleet = serving(2)
      child("0a").retire
      fleet.leaving(child("0a"))

      expect(look(fleet)).to eq(%w[0a 1a 0b])
      expect([die(fleet, "0a"), fleet.complete?]).to eq([:left, false])
      ready(fleet, "0b")
      expect(fleet).to be_complete
    end

    it "leaves it to its successor, where that has been started" do
      fleet = serving(1)
      fleet.replace
      look(fleet)
      child("0a").retire
      fleet.leaving(child("0a"))
      ready(fleet, "0b")

      expect([look(fleet), fleet.serving]).to eq([%w[0a 0b], [child("0b")]])
    end
  end

  describe "a process that the system doesn't give" do
    it "is tried for again, and counts for nothing" do
      fleet = serving(2)
      die(fleet, "0a")
      9.times do
        look(fleet)
        expect(fleet.unborn(child(names.last))).not_to be_nil
        pass(1)
      end

      expect(look(fleet).size).to eq(12)
      expect(fleet.gone(child(names.last))).to eq(:unbooted)
    end

    it "is tried for again as a successor" do
      fleet = serving(1)
      fleet.replace
      look(fleet)
      fleet.unborn(child("0b"))
      expect(look(fleet)).to eq(%w[0a 0b])
      pass(1)

      expect([look(fleet), fleet.replacing?]).to eq([%w[0a 0b 0c], true])
    end
  end

  describe "a process that is forked from" do
    it "is no more the fleet's once it has been retired" do
      fleet = serving(1)
      fleet.replace([child("0a")], reason: :refork)
      look(fleet)
      ready(fleet, "0b")

      expect([die(fleet, "0a"), look(fleet), fleet.serving]).to eq([:left, %w[0a 0b], [child("0b")]])
    end
  end

  # Whatever happens in whatever order, a place has one process that is meant to stay, or its successor, or waits for
  # its time; and each process has a place, or was told to end.
  it "has no place without a process and none with two, whatever happens" do
    50.times do |seed|
      random = Random.new(seed)
      started.clear
      fleet = fleet(3)
      120.times do
        living = fleet.processes.dup
        process = living.sample(random: random)
        case random.rand(9)
        when 0..2 then process && !process.served_since && ready(fleet, process.name)
        when 3 then process && fleet.gone(process)
        when 4 then fleet.replace
        when 5 then fleet.replace([process].compact)
        when 6 then fleet.resize(1 + random.rand(4))
        when 7 then fleet.forget_replacements if random.rand(4).zero?
        when 8 then pass(random.rand * 3)
        end
        fleet.look
        meant = fleet.processes.reject(&:is_leaving).group_by(&:index)
        many = meant.select { |_, all| all.size > (fleet.replacing? ? 2 : 1) }
        expect(many).to eq({}), "seed #{seed}: #{living(fleet)}"
        expect(meant.count { |_, all| all.size > 1 }).to be <= 1, "seed #{seed}: #{living(fleet)}"
      end
      until fleet.complete? && !fleet.replacing?
        pass(5)
        fleet.processes.select(&:is_leaving).each { |one| fleet.gone(one) }
        fleet.look
        fleet.processes.each { |one| ready(fleet, one.name) unless one.served_since || one.is_leaving }
      end
      expect(fleet.serving).to match_array(fleet.processes.reject(&:is_leaving)), "seed #{seed}"
      expect(fleet.serving.map(&:index)).to eq([*0...fleet.size]), "seed #{seed}"
    end
  end
end
